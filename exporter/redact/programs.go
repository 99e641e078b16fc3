package redact

import "strings"

// A shape is which part of a value is the secret.
type shape uint8

const (
	none    shape = iota
	whole         // all of it
	pair          // user:SECRET
	percent       // user%SECRET
	comma         // user,SECRET
	oracle        // user/SECRET@database
	literal       // name=SECRET
	openssl       // pass:SECRET
)

// An option is one whose value is a secret for a program, where its name does not say so.
// Its value follows as an argument, or after = or :, or right after it when attached says so.
type option struct {
	name     string // with its dash, or with a slash when it can have either; then lower case is any case
	attached attached
	shape    shape
}

type attached uint8

const (
	apart    attached = iota // -p SECRET
	either                   // -p SECRET or -pSECRET
	adjacent                 // -pSECRET, where -p alone asks for it
)

// A program is what is known of the arguments of a program, or of one of its commands.
type program struct {
	options    []option
	positional int   // the argument without a dash that is a secret, from 1; 0 is none
	shape      shape // of the positional argument
	commands   map[string]*program
	habit      habit
}

// A habit is what a program does with secrets that options do not describe.
type habit uint8

const (
	_            habit = iota
	prints             // its arguments, which a pipe takes to the next program
	reads              // a secret from the pipe
	readsIfAsked       // the same, with the option -S
	sets               // NAME SECRET: the argument after a name that says so
	mounts             // net use
	connects           // arguments such as user/SECRET@database
	encodes            // powershell -EncodedCommand
	hashes             // htpasswd -b
	names              // what is called a secret is its name
)

// switches reports whether the options of a program have no values, so that the word after one is
// an argument.
func (p *program) switches() bool {
	return p.habit == reads || p.habit == hashes || p.habit == connects
}

var (
	passwordP  = []option{{"-p", either, whole}}
	passwordUP = []option{{"-P", either, whole}}
	remoteP    = []option{{"/p", apart, whole}}
	mysql      = &program{options: []option{{"-p", adjacent, whole}}}
	mongo      = &program{options: passwordP}
	sqlcmd     = &program{options: []option{{"/P", either, whole}}}
	putty      = &program{options: []option{{"-pw", apart, whole}}}
	ldap       = &program{options: []option{{"-w", either, whole}}}
	samba      = &program{options: []option{{"-U", either, percent}, {"--user", apart, percent}}}
	database   = &program{habit: connects}
	remote     = &program{options: remoteP}
	login      = &program{commands: map[string]*program{"login": {options: passwordP}}, habit: names}
	sevenZip   = &program{options: []option{{"-p", adjacent, whole}}}
	rar        = &program{options: []option{{"-p", adjacent, whole}, {"-hp", adjacent, whole}}}
	snmp       = &program{options: []option{{"-c", either, whole}, {"-A", either, whole}, {"-X", either, whole}}}
	settings   = &program{commands: map[string]*program{
		"config": {habit: sets}, "configure": {habit: sets}, "set": {habit: sets}}}
	htpasswdFile  = &program{positional: 3, shape: whole, habit: hashes}
	htpasswdPrint = &program{positional: 2, shape: whole, habit: hashes}
	shell         = &program{habit: encodes}
	sink          = &program{habit: reads}
)

// programs is indexed by the names of programs without .exe, in lower case.
var programs = index(map[string]*program{
	"mysql mysqldump mysqlimport mysqlshow mysqlcheck mysqlslap mysqlpump mysqlbinlog mysqlsh mysql_upgrade mariadb mariadb-dump mariadb-import mariadb-check":                           mysql,
	"mongo mongosh mongodump mongorestore mongoexport mongoimport mongostat mongotop mongofiles cqlsh beeline rabbitmqadmin yt-dlp youtube-dl twine evil-winrm crackmapexec netexec nxc": mongo,
	"mysqladmin mariadb-admin": {options: mysql.options, commands: map[string]*program{
		"password": {options: mysql.options, positional: 1, shape: whole}, "old-password": {options: mysql.options, positional: 1, shape: whole}}},
	"sqlcmd osql bcp tsql mosquitto_pub mosquitto_sub ipmitool p4": sqlcmd, //nolint:misspell // a name
	"isql":                      {options: passwordUP, positional: 3, shape: whole},
	"ssh-keygen":                {options: []option{{"-N", either, whole}, {"-P", either, whole}}},
	"zip unzip zipcloak funzip": {options: passwordUP},
	"7z 7za 7zr 7zz 7zzs":       sevenZip,
	"rar unrar winrar":          rar,
	"sshpass":                   {options: passwordP},
	"plink pscp psftp putty kitty klink manage-bde": putty,
	"psexec psexec64 paexec psservice psservice64 pslist pslist64 pskill pskill64 psloglist psinfo psshutdown rdesktop ncftp ncftpput ncftpget pvk2pfx racadm": {
		options: []option{{"/p", apart, whole}, {"/pi", apart, whole}, {"/po", apart, whole}}},
	"signtool tasklist taskkill systeminfo getmac driverquery eventcreate gpresult openfiles wevtutil winrm winrs certutil xfreerdp wfreerdp freerdp sdl-freerdp": remote,
	"xfreerdp3 sdl-freerdp3": {options: []option{{"/p", apart, whole}, {"/gp", apart, whole}, {"/pth", apart, whole}}},
	"schtasks":               {options: []option{{"/p", apart, whole}, {"/rp", apart, whole}}},
	"netdom":                 {options: []option{{"/pd", apart, whole}, {"/po", apart, whole}, {"/pt", apart, whole}}},
	"wecutil":                {options: []option{{"/up", apart, whole}, {"/cup", apart, whole}}},
	"curl": {options: []option{{"-u", either, pair}, {"-U", either, pair}, {"--user", apart, pair}, {"--proxy-user", apart, pair},
		{"--oauth2-bearer", apart, whole}, {"-b", either, literal}, {"--cert", apart, pair}, {"-E", apart, pair}}},
	"http https httpie xh": {options: []option{{"-a", either, pair}, {"--auth", apart, pair}}},
	"etcdctl":              {options: []option{{"--user", apart, pair}}},
	"elasticsearch-users":  {options: passwordP},
	"ldapsearch ldapmodify ldapadd ldapdelete ldapwhoami ldapcompare ldapmodrdn ldapexop kadmin": ldap,
	"ldappasswd":          {options: []option{{"-w", either, whole}, {"-s", either, whole}, {"-a", either, whole}}},
	"grafana-cli grafana": {commands: map[string]*program{"reset-admin-password": {positional: 1, shape: whole}}},
	"smbclient":           {options: samba.options, positional: 2, shape: whole},
	"rpcclient smbget smbcacls smbtree smbspool winexe mount_smbfs": samba,
	"smbmap useradd usermod sshfs_pass":                             {options: passwordP},
	"openssl": {options: []option{{"-passin", apart, openssl}, {"-passout", apart, openssl}, {"-pass", apart, openssl},
		{"-k", apart, whole}, {"-K", apart, whole}, {"-passcerts", apart, openssl}},
		commands: map[string]*program{"passwd": {positional: 1, shape: whole}}},
	"docker podman nerdctl buildah skopeo helm oras crane oc": login,
	"az": {commands: map[string]*program{
		"login":  {options: passwordP},
		"secret": {options: []option{{"--value", apart, whole}}}}},
	"kubectl": {habit: names, commands: map[string]*program{
		"secret": {options: []option{{"--from-literal", apart, literal}}, habit: names}}},
	"cf": {commands: map[string]*program{"login": {options: passwordP}, "auth": {positional: 2, shape: whole}}},
	"redis-cli valkey-cli keydb-cli": {options: []option{{"-a", apart, whole}}, commands: map[string]*program{
		"auth": {positional: 1, shape: whole}, "requirepass": {positional: 1, shape: whole}, "masterauth": {positional: 1, shape: whole}}},
	"sqlplus sqlldr impdp expdp rman imp exp tkprof sqlcl lsnrctl": database,
	"db2":                             {commands: map[string]*program{"using": {positional: 1, shape: whole}}},
	"net net1":                        {commands: map[string]*program{"use": {habit: mounts}, "user": {positional: 2, shape: whole}}},
	"rasdial autologon autologon64":   {positional: 3, shape: whole},
	"wpa_passphrase":                  {positional: 2, shape: whole},
	"nssm":                            {commands: map[string]*program{"objectname": {positional: 2, shape: whole}}},
	"bitsadmin":                       {commands: map[string]*program{"/setcredentials": {positional: 5, shape: whole}}},
	"cscript wscript slmgr slmgr.vbs": {commands: map[string]*program{"/ipk": {positional: 1, shape: whole}, "-ipk": {positional: 1, shape: whole}}},
	"rabbitmqctl": {commands: map[string]*program{
		"add_user": {positional: 2, shape: whole}, "change_password": {positional: 2, shape: whole}, "authenticate_user": {positional: 2, shape: whole}}},
	"steamcmd": {commands: map[string]*program{"+login": {positional: 2, shape: whole}}},
	"nmcli":    {habit: sets},
	"vault bao": {commands: map[string]*program{"login": {positional: 1, shape: whole}, "unseal": {positional: 1, shape: whole},
		"unwrap": {positional: 1, shape: whole}}},
	"dotnet": {commands: map[string]*program{
		"user-secrets": {commands: map[string]*program{"set": {positional: 2, shape: whole}}}}},
	"nuget": {commands: map[string]*program{"setapikey": {positional: 1, shape: whole}, "push": {options: []option{{"-k", apart, whole}}, positional: 2, shape: whole}, "config": {habit: sets}}},
	"aws": {habit: names, commands: map[string]*program{
		"configure": {habit: sets}, "put-parameter": {options: []option{{"--value", apart, whole}}}}},
	"git npm pnpm yarn pip pip3 poetry conda composer heroku pulumi snap redis-server": settings,
	"gcloud": {commands: map[string]*program{
		"config": {habit: sets}, "set": {habit: sets}, "activate-refresh-token": {positional: 2, shape: whole}}},
	"ngrok":        {commands: map[string]*program{"authtoken": {positional: 1, shape: whole}, "add-authtoken": {positional: 1, shape: whole}}},
	"ctr crictl":   {options: []option{{"-u", apart, pair}, {"--user", apart, pair}}},
	"sqlpackage":   {options: []option{{"/tp", apart, whole}, {"/sp", apart, whole}}},
	"adfind":       {options: []option{{"-up", apart, whole}}},
	"vsql":         {options: []option{{"-w", either, whole}}},
	"dsmc dsmadmc": {options: []option{{"-pa", apart, whole}, {"-pas", apart, whole}, {"-pass", apart, whole}}},
	"anydesk":      {options: []option{{"--set-password", apart, whole}}},
	"govc":         {options: []option{{"-u", apart, pair}}},
	"iscsicli": {commands: map[string]*program{
		"qlogintarget": {positional: 3, shape: whole}, "logintarget": {positional: 15, shape: whole}, "chapsecret": {positional: 1, shape: whole}}},
	"sonar-scanner mvn mvnw gradle gradlew": {options: []option{{"-Dsonar.login", apart, whole}}},
	"gh glab":                               {commands: map[string]*program{"secret": {options: []option{{"-b", either, whole}, {"--body", apart, whole}}, habit: names}}},
	"setx":                                  {habit: sets},
	"rclone":                                {commands: map[string]*program{"obscure": {positional: 1, shape: whole}, "config": {habit: sets}}},
	"lftp":                                  {options: []option{{"-u", either, comma}}},
	"tf":                                    {options: []option{{"/login", apart, comma}}},
	"vmrun":                                 {options: []option{{"-gp", apart, whole}, {"-vp", apart, whole}}},
	"sendemail":                             {options: []option{{"-xp", apart, whole}}},
	"swaks":                                 {options: []option{{"-ap", apart, whole}, {"--auth-password", apart, whole}}},
	"erl erlexec beam.smp":                  {options: []option{{"-setcookie", apart, whole}}},
	"snmpget snmpwalk snmpset snmpbulkwalk snmpbulkget snmpgetnext snmptable snmptrap": snmp,
	"powershell pwsh powershell_ise":      shell,
	"htpasswd":                            {habit: hashes},
	"echo printf write-output write-host": {habit: prints},
	"sudo":                                {habit: readsIfAsked},
	"chpasswd passwd smbpasswd kinit cryptsetup vncpasswd runas su": sink,
	"convertto-securestring":                 {habit: reads, positional: 1, shape: whole},
	"ssh scp sftp rsync autossh ssh-copy-id": {}, // what sshpass runs
	"esxcli cypher-shell":                    {options: passwordP},
	"veracrypt truecrypt":                    {options: []option{{"/p", apart, whole}}},
	// Their -u has no value, or their -p no secret.
	"diff patch cp mv tar install test python python2 python3 py pypy node ruby perl sort grep ps nmap lsof strace gunicorn uwsgi": {},
	"mkpasswd": {positional: 1, shape: whole},
})

// index gives each of the names in a key its program.
func index(lists map[string]*program) map[string]*program {
	all := make(map[string]*program, 256)
	for list, p := range lists {
		for _, name := range strings.Fields(list) {
			all[name] = p
		}
	}
	return all
}

// programNamed returns what is known of the program of that path, or nil.
func programNamed(path string) *program {
	if len(path) > longestWord+len(".exe") || len(path) < 2 {
		return nil
	}
	var w word
	low := w.fold(path)
	p, found := programs[string(low)]
	if !found && len(low) > len(".exe") && string(low[len(low)-4:]) == ".exe" {
		p = programs[string(low[:len(low)-4])]
	}
	return p
}
