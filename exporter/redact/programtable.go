package redact

var (
	passwordP  = takes(`-p+`)
	passwordUP = takes(`-P+`)
	remoteP    = takes(`/p`)
	mysql      = &program{options: takes(`-p!`), flags: "ABCEGHIKLNTVXbfijkqrstvwno"}
	mongo      = &program{options: passwordP}
	sqlcmd     = &program{options: takes(`/P+`), flags: "EbIeNR"}
	putty      = &program{options: takes(`-pw`)}
	ldap       = &program{options: takes(`-w+`), flags: "xLZnvcMC"}
	samba      = &program{options: takes(`-U+=percent --user=percent`)}
	database   = &program{habit: connects}
	remote     = &program{options: remoteP}
	login      = &program{commands: commands{"login": {options: passwordP}}, habit: names}
	sevenZip   = &program{options: takes(`-p!`)}
	rar        = &program{options: takes(`-p! -hp!`)}
	snmp       = &program{options: takes(`-c+ -A+ -X+`)}
	settings   = &program{commands: commands{
		"config": {habit: sets}, "configure": {habit: sets}, "set": {habit: sets}}}
	htpasswdFile  = &program{positional: 3, shape: whole, habit: hashes}
	htpasswdPrint = &program{positional: 2, shape: whole, habit: hashes}
	shell         = &program{habit: encodes}
	sink          = &program{habit: reads}
	httpBasic     = &program{positional: 2, shape: whole}
)

// programs is indexed by the names of programs without .exe and the like, in lower case.
var programs = index(commands{
	"mysql mysqldump mysqlimport mysqlshow mysqlcheck mysqlslap mysqlpump mysqlbinlog mysql_upgrade mariadb mariadb-dump mariadb-import mariadb-check": mysql,
	"mongo mongosh mongodump mongorestore mongoexport mongoimport mongostat mongotop mongofiles cqlsh beeline rabbitmqadmin yt-dlp youtube-dl twine":   mongo,
	"evil-winrm crackmapexec netexec nxc": optioned(`-p+ -H+`),
	"mysqladmin mariadb-admin": {options: mysql.options, commands: commands{
		"password": {options: mysql.options, positional: 1, shape: whole}, "old-password": {options: mysql.options, positional: 1, shape: whole}}},
	"sqlcmd osql bcp tsql mosquitto_pub mosquitto_sub p4": sqlcmd, //nolint:misspell // a name
	"ipmitool":                           {options: sqlcmd.options, commands: commands{"password": argument(2)}},
	"isql":                               {options: passwordUP, positional: 3, shape: whole},
	"ssh-keygen":                         {options: takes(`-N+ -P+`)},
	"zip unzip zipcloak funzip":          {options: passwordUP, flags: "rjq9omuvTyXlnapcfC"},
	"7z 7za 7zr 7zz 7zzs":                sevenZip,
	"rar unrar winrar":                   rar,
	"sshpass":                            {options: passwordP},
	"plink pscp psftp putty kitty klink": putty,
	"psexec psexec64 paexec psfile psgetsid psloggedon pspasswd psservice psservice64 pssuspend pslist pslist64 pskill pskill64 psloglist psinfo psshutdown": optioned(`-priority=none /p+`),
	"rdesktop ncftp ncftpput ncftpget hdbsql kopia ace tabcmd fab":                                                                                           optioned(`-p+`),
	"racadm":  {options: passwordP, habit: sets},
	"knife":   {options: takes(`-P+`), commands: commands{"ssh": optioned(`-P+`)}},
	"pvk2pfx": optioned(`/pi /po`),
	"signtool tasklist taskkill systeminfo getmac driverquery eventcreate gpresult openfiles wevtutil winrm winrs certutil": remote,
	"xfreerdp wfreerdp freerdp sdl-freerdp xfreerdp3 wfreerdp3 sdl-freerdp3":                                                {options: takes(`/p /gp /pth`), settings: set(`gp pth`)},
	"schtasks":                           {options: takes(`/p /rp`)},
	"netdom":                             {options: takes(`/pd /po /pt`)},
	"wecutil":                            {options: takes(`/up /cup`)},
	"curl":                               {options: takes(`-u+=pair -U+=pair --user=pair --proxy-user=pair --oauth2-bearer -b+=literal --cert=pair -E=pair`), flags: "fgGijJkKlLnNOpqRsSvVZ0123456#aBI"},
	"http https httpie xh check_http ab": {options: takes(`-a+=pair --auth=pair -A+=pair -P+=pair --authorization=pair`)},
	"etcdctl":                            {options: takes(`--user=pair`)},
	"elasticsearch-users":                {options: passwordP},
	"ldapsearch ldapmodify ldapadd ldapdelete ldapwhoami ldapcompare ldapmodrdn ldapexop kadmin": ldap,
	"ldappasswd":          {options: takes(`-w+ -s+ -a+`)},
	"grafana-cli grafana": {commands: commands{"reset-admin-password": argument(1)}},
	"smbclient":           {options: samba.options, positional: 2, shape: whole},
	"wmic rpcclient smbget smbcacls smbtree smbspool winexe mount_smbfs": samba,
	"smbmap useradd usermod": {options: passwordP},
	"openssl": {options: takes(`-passin=openssl -passout=openssl -pass=openssl -k -K -passcerts=openssl -hmac -psk -macopt=after`),
		commands: commands{"passwd": {options: takes(`-1 -5 -6 -apr1 -aixmd5`), positional: 1, shape: whole}}},
	"docker podman nerdctl buildah skopeo helm oras crane oc": login,
	"az": {settings: set(`key-value`), options: takes(`--secure-environment-variables=literal`), commands: commands{
		"login sql mysql postgres mariadb user acr": {options: takes(`-p`)},
		"secret":    optioned(`--value`),
		"container": optioned(`--secure-environment-variables=literal`)}},
	"kubectl": {habit: names, commands: commands{
		"secret": {options: takes(`--from-literal=literal`), habit: names}}},
	"cf": {commands: commands{"login": {options: passwordP}, "auth": argument(2)}},
	"redis-cli valkey-cli keydb-cli": {options: takes(`-a`), commands: commands{
		"auth": arguments(1, 2), "requirepass masterauth": argument(1)}},
	"sqlplus sqlldr impdp expdp rman imp exp tkprof sqlcl sql lsnrctl dgmgrl gqlplus toad plsqldev clpplus sqlpluslocal adrci datapump": database,
	"db2":                           {commands: commands{"using": argument(1)}},
	"net net1":                      {options: samba.options, commands: commands{"use": {habit: mounts}, "user": argument(2)}},
	"rasdial autologon autologon64": argument(3),
	"wpa_passphrase":                argument(2),
	"nssm":                          {commands: commands{"objectname": argument(2)}},
	"ldifde csvde":                  optioned(`-a@1 -b@2`),
	"sapcontrol":                    optioned(`-user@1`),
	"ntdsutil dsmgmt":               {commands: commands{"creds": argument(3)}},
	"hdbuserstore":                  {commands: commands{"set": argument(4)}},
	"netsh":                         keeping(`key keymaterial sharedsecret`),
	"ksetup":                        {commands: commands{"/changepassword": arguments(1, 2)}},
	"dtexec":                        optioned(`/de /decrypt /set=semicolon`),
	"manage-bde repair-bde":         optioned(`-pw -rp`),
	"vpnclient vpncli":              {commands: commands{"pwd": argument(1)}},
	"dtutil":                        optioned(`/de /decrypt /sourcep /destp`),
	"rs rsconfig rskeymgmt":         optioned(`-p`),
	"mysqlsh":                       {options: mysql.options, habit: dials},
	"cvs onecli govc":               {options: takes(`-u=pair`), habit: dials},
	"impacket-psexec psexec.py secretsdump wmiexec smbexec atexec dcomexec getuserspns getnpusers lookupsid mssqlclient ntlmrelayx samrdump reg.py": {options: takes(`-hashes`), habit: dials},
	"sqlite3 sqlcipher": keeping(`key rekey`),
	"expect":            {habit: asks},
	"choco":             {settings: set(`p k key password`), options: takes(`-p -k`)},
	"nessuscli":         keeping(`key`),
	"dwagent dwagsvc":   keeping(`key`),
	"azcopy":            keeping(`destkey sourcekey destsas sourcesas`),
	"consul nomad serf": keeping(`encrypt`),
	"kubeadm":           {settings: set(`certificate-key`), commands: commands{"create": argument(1)}},
	"influx doctl vercel sentinelinstaller sentineloneinstaller sentinelinstaller_windows_64bit": optioned(`-t --token`),
	"zerotier-cli":                           optioned(`-T+`),
	"mc":                                     {commands: commands{"set add": argument(4)}},
	"b2":                                     {commands: commands{"authorize-account authorize": argument(2)}},
	"neo4j-admin":                            {commands: commands{"set-initial-password": argument(1)}},
	"fly flyctl":                             {commands: commands{"secrets": {habit: keeps}}},
	"qlogin qoperation qoperate":             optioned(`-ps -clp`),
	"winzip winzip32 winzip64 wzzip wzunzip": optioned(`-s!`),
	"arj":                                    optioned(`-g!`),
	"ccrypt ccencrypt ccdecrypt":             optioned(`-K`),
	"keytool":                                optioned(`-new`),
	"azuresigntool":                          optioned(`-kvs -kva`),
	"cargo":                                  {commands: commands{"login": argument(1)}},
	"jboss-cli":                              {settings: set(`p`), options: takes(`-p`)},
	"add-user":                               {options: takes(`-p`), positional: 2, shape: whole},
	"hadoop":                                 {commands: commands{"credential": optioned(`-value`)}},
	"nikto":                                  optioned(`-id=pair`),
	"wfuzz ffuf":                             optioned(`--basic=pair --ntlm=pair`),
	"jmeter":                                 optioned(`-a`),
	"teamviewer":                             {commands: commands{"passwd": argument(1)}},
	"wbinfo":                                 optioned(`-a=percent --authenticate=percent`),
	"ipa-client-install ipa-replica-install": optioned(`-w`),
	"ipa-server-install":                     optioned(`-p -a`),
	"samba-tool":                             {options: samba.options, commands: commands{"user": {commands: commands{"create add": argument(2)}}}},
	"smcipmitool":                            argument(3),
	"check_nt":                               optioned(`-s`),
	"prnmngr prncnfg prnjobs prnport prndrvr": optioned(`-w`),
	"vboxmanage": {commands: commands{"setextradata": {habit: sets}}},
	"dbsrv12 dbsrv16 dbsrv17 dbeng12 dbeng16 dbeng17 dbinit": optioned(`-ek`),
	"gbak gfix gsec nbackup gstat":                           optioned(`-pas -pass -pw -pa`),
	"db2look":                                                optioned(`-w`),
	"bitsadmin":                                              {commands: commands{"/setcredentials": argument(5)}},
	"cscript wscript slmgr slmgr.vbs":                        {commands: commands{"/ipk": argument(1), "-ipk": argument(1)}},
	"mosquitto_passwd":                                       {habit: hashes},
	"rabbitmqctl": {commands: commands{
		"add_user": argument(2), "change_password": argument(2), "authenticate_user": argument(2)}},
	"steamcmd": {commands: commands{"+login": argument(2)}},
	"nmcli":    {habit: sets},
	"vault bao": {commands: commands{"login unseal unwrap rekey": argument(1),
		"token": {commands: commands{"renew revoke lookup": argument(1)}},
		"kv":    {commands: commands{"put patch": {habit: keeps}}}}},
	"dotnet": {commands: commands{
		"dev-certs":    {commands: commands{"https": optioned(`-p`)}},
		"nuget":        optioned(`-p -k`),
		"user-secrets": {commands: commands{"set": argument(2)}}}},
	"nuget": {commands: commands{"setapikey": argument(1), "push": {options: takes(`-k`), positional: 2, shape: whole}, "config": {habit: sets}}},
	"aws": {habit: names, commands: commands{
		"configure": {habit: sets}, "put-parameter": {options: takes(`--value`)}}},
	"git npm pnpm yarn pip pip3 conda heroku pulumi snap redis-server racadm6": settings,
	"composer": {commands: commands{"config": {habit: sets}}},
	"poetry":   {commands: commands{"publish": optioned(`-p`), "config": {habit: sets}}},
	"bundle":   {commands: commands{"config": {positional: 1, last: 2, shape: pair, commands: commands{"set": {positional: 1, last: 2, shape: pair}}}}},
	"gcloud": {commands: commands{
		"config": {habit: sets}, "set": {habit: sets}, "activate-refresh-token": argument(2)}},
	"ngrok":         {commands: commands{"authtoken": argument(1), "add-authtoken": argument(1)}},
	"gitlab-runner": optioned(`-r -t`),
	"ctr crictl":    {options: takes(`-u=pair --user=pair`)},
	"sqlpackage":    {options: takes(`/tp /sp`)},
	"adfind":        {options: takes(`-up`)},
	"vsql":          {options: takes(`-w+`)},
	"dsmc dsmadmc":  {options: takes(`-pa -pas -pass`)},
	"anydesk":       {options: takes(`--set-password`)},
	"iscsicli": {commands: commands{
		"qlogintarget": argument(3), "logintarget": argument(15), "chapsecret": argument(1)}},
	"sonar-scanner mvn mvnw gradle gradlew": {options: takes(`-emp -ep`)},
	"gh glab":                               {commands: commands{"secret": {options: takes(`-b+ --body`), habit: names}}},
	"setx":                                  {options: takes(`/p`), habit: sets},
	"rclone":                                {commands: commands{"obscure": argument(1), "config": {habit: sets}}},
	"lftp":                                  {options: takes(`-u+=comma`)},
	"tf":                                    {options: takes(`/login=comma`)},
	"vmrun":                                 {options: takes(`-gp -vp -p`)},
	"sendemail":                             {options: takes(`-xp`)},
	"swaks":                                 {options: takes(`-ap --auth-password`)},
	"erl erlexec beam.smp":                  {options: takes(`-setcookie`)},
	"snmpget snmpwalk snmpset snmpbulkwalk snmpbulkget snmpgetnext snmptable snmptrap": snmp,
	"powershell pwsh powershell_ise":      shell,
	"htpasswd":                            {habit: hashes},
	"echo printf write-output write-host": {habit: prints},
	"sudo":                                {habit: readsIfAsked},
	"chpasswd passwd smbpasswd kinit cryptsetup vncpasswd runas su": sink,
	"convertto-securestring":                 {habit: reads, positional: 1, shape: whole},
	"ssh scp sftp rsync autossh ssh-copy-id": {habit: strange}, // what sshpass runs
	"esxcli cypher-shell":                    {options: passwordP},
	"veracrypt truecrypt":                    {options: takes(`/p`)},
	// Their -u has no value, or their -p no secret.
	"diff patch cp mv tar install test python python2 python3 py pypy node ruby perl sort grep ps nmap lsof strace gunicorn uwsgi": {},
	"mkpasswd": argument(1),
})
