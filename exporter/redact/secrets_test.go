package redact_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/procmon/procmon/exporter/redact"
)

// secretLines are command lines whose secrets stand between « and ».
var secretLines = []string{
	// Programs that are in no table.
	`deploy.exe -u admin -p «Secret123» --force`,
	`"C:\Tools\sync tool.exe" --user CORP\bob -p "«two words»" -v`,
	`connect.exe /s:host /u:bob /p:«abc-99»`,
	`agent.exe /p:"«a b»" /quiet`,
	`esxcli -s esx01 -u root -p «VMware1!» system version get`,
	`cypher-shell -a bolt://h:7687 -u neo4j -p «n3o»`,
	`VeraCrypt.exe /v disk.hc /l X /p «open-sesame»`,
	// Databases.
	`mysql -u root -p«S3cr3t!pw» -h db01 shop`,
	`"C:\Program Files\MySQL\MySQL Server 8.0\bin\mysqldump.exe" --user=backup --password=«Winter-2026» --all-databases`,
	`mysqladmin -p"«two words»" -u root ping`,
	`mysql --user root --password «hunter2» -e "select 1"`,
	`sqlcmd -S tcp:sql01,1433 -U sa -P «Passw0rd!» -Q "select @@version"`,
	`sqlcmd.exe -S . -U sa -P"«Pass w0rd»" -i run.sql`,
	`osql -E -S sql02 -P«geheim99»`,
	`bcp shop.dbo.orders out orders.dat -c -U loader -P «l0ad-me» -S sql01`,
	`psql "host=db user=app password=«p4ss» dbname=shop"`,
	`psql postgresql://app:«p4ss/w0rd»@db.example.com:5432/shop`,
	`PGPASSWORD=«x1y2z3» psql -h db -U app`,
	`/bin/sh -c PGPASSWORD='«x1 y2»' pg_dump -h db shop`,
	`sqlplus -S scott/«tiger»@//ora01:1521/ORCL @report.sql`,
	`rman target sys/«Or4cle»@prod catalog rc/«c4talog»@cat`,
	`expdp system/«manager1» directory=dp dumpfile=full.dmp full=y`,
	`imp userid=scott/«tiger»@orcl file=exp/full.dmp`,
	`db2 connect to sample user db2inst1 using «db2pass»`,
	`mongodump --uri mongodb+srv://app:«M0ngo%21»@cluster0.abcde.mongodb.net/shop`,
	`mongosh -u admin -p «m0ng0» --authenticationDatabase admin`,
	`redis-cli -h cache -a «r3dis» ping`,
	`redis-cli -u redis://:«r3dis»@cache:6379/0`,
	`isql -v warehouse etl «etlpw»`,
	`clickhouse-client --host ch --user app --password=«cl1ck» --query "select 1"`,
	`mysql -e "ALTER USER 'app'@'%' IDENTIFIED BY '«n3w pw»'"`,
	`sqlcmd -E -Q "ALTER LOGIN sa WITH PASSWORD = '«N3w!pw»'"`,
	`psql -c ALTER ROLE app PASSWORD '«n3wpw»'`,
	// Windows.
	`net use Z: \\files01\share «S3cret!» /user:CORP\svc-backup /persistent:no`,
	`net.exe use \\files01\ipc$ /user:CORP\bob "«my pass»"`,
	`net user bob «N3wP4ss» /add`,
	`cmd /c "net use * \\nas\b «p:w=1» /user:b"`,
	`cmdkey /add:server01 /user:CORP\bob /pass:«S3cret!»`,
	`schtasks /create /tn nightly /tr C:\jobs\run.cmd /sc daily /ru CORP\svc /rp «J0bs!2026»`,
	`SCHTASKS.EXE /Create /S host9 /U admin /P «adm1n» /TN x /TR notepad.exe /RU svc /RP «svcpw»`,
	`psexec.exe \\host7 -accepteula -u CORP\admin -p «Adm!n» cmd /c ver`,
	`wmic /node:host7 /user:admin /password:«Adm!n» os get caption`,
	`tasklist /S host7 /U admin /P «Adm!n»`,
	`winrs -r:host7 -u:admin -p:«Adm!n» hostname`,
	`sc.exe create svc binPath= C:\svc\svc.exe obj= CORP\svc password= «Svc!pw»`,
	`sc config svc obj= .\svc password= "«Svc pw»"`,
	`nssm set worker ObjectName CORP\svc «Svc!pw»`,
	`msiexec /i agent.msi /qn SERVER=mon01 API_PASSWORD="«a b c»" LICENSEKEY=«ABC-123» /norestart`,
	`setup.exe /q /ACTION=Install /SAPWD="«Sa!pw»" /SQLSVCACCOUNT="CORP\sql" /SQLSVCPASSWORD="«Sv!pw»"`,
	`netdom join host9 /domain:corp.local /userd:CORP\join /passwordd:«J0in!»`,
	`certutil -f -p «pfxpw» -importpfx server.pfx`,
	`signtool sign /f codesign.pfx /p «pfxpw» /tr http://ts.example.com app.exe`,
	`rasdial office bob «d1al»`,
	`plink.exe -ssh -batch -pw «pl1nk» root@10.0.0.4 uptime`,
	`"C:\Program Files (x86)\WinSCP\WinSCP.exe" /command "open sftp://bob:«pw»@sftp.example.com/" /log=x.log`,
	`mstsc.exe /v:host7 /admin /password:«x»`,
	`xfreerdp /v:host7 /u:bob /p:«R0p!» /cert:ignore`,
	`reg add "HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Winlogon" /v DefaultPassword /t REG_SZ /d «Aut0!» /f`,
	`setx DB_PASSWORD «s3tx» /M`,
	`cmd.exe /c set "SVC_TOKEN=«t0k en»" && run.cmd`,
	`cmd /c "sqlcmd -U sa -P «n3st» -Q \"select 1\""`,
	`bitsadmin /setcredentials job1 server basic bob «b1ts»`,
	`cscript //nologo slmgr.vbs /ipk «ABCDE-12345-FGHIJ-67890-KLMNO»`,
	// PowerShell.
	`powershell.exe -NoProfile -EncodedCommand «SQBuAHYAbwBrAGUALQBSAGUAcwB0AE0AZQB0AGgAbwBkAA==»`,
	`pwsh -nop -w hidden -e «SQBFAFgAKABOAGUAdwAtAE8AYgBqAGUAYwB0ACkA»`,
	`powershell -Command "$p = ConvertTo-SecureString '«P@ss w0rd»' -AsPlainText -Force; New-LocalUser bob -Password $p"`,
	`powershell -c ConvertTo-SecureString -AsPlainText "«P@ss»" -Force`,
	`powershell -Command "$c = New-Object System.Net.NetworkCredential('bob', '«p w»'); run"`,
	`powershell -Command "& { $password = '«abc def»'; ./deploy.ps1 -User bob -Password «ghi» }"`,
	`powershell -File join.ps1 -DomainUser CORP\join -DomainPassword «J0in!»`,
	// The web.
	`curl -u bob:«s3cret» https://api.example.com/v1`,
	`curl -sSu "bob:«s3 cret»" https://api.example.com/v1`,
	`curl --proxy-user bob:«px» -x proxy:3128 https://example.com`,
	`curl -x bob:«px»@proxy.example.com:3128 https://example.com`,
	`curl -H "Authorization: Bearer «abc.def-ghi»" https://api.example.com`,
	`curl -H Authorization: Basic «Ym9iOnNlY3JldA==» https://api.example.com`,
	`curl -H 'X-Api-Key: «k3y»' -H "Cookie: «sid=1; theme=dark»" https://api.example.com`,
	`curl -d '{"user":"bob","password":"«p w»","n":1}' https://api.example.com/login`,
	`curl -d "{\"client_secret\": \"«c5»\", \"a\": 2}" https://login.example.com`,
	`curl -d grant_type=password&username=bob&password=«pw»&scope=all https://login.example.com`,
	`curl "https://st01.blob.core.windows.net/c/f?sv=2023-11-03&sp=r&sig=«aB3%2Fx%3D»&se=2026"`,
	`curl https://api.example.com/v1?user=1&access_token=«t0k»&x=2`,
	`curl "https://b.s3.amazonaws.com/k?X-Amz-Credential=«AKIA%2Fus»&X-Amz-Signature=«0a1b2c»"`,
	`curl --oauth2-bearer «tok123» https://api.example.com`,
	`curl -X POST https://hooks.slack.com/services/«T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX»`,
	`wget --http-user=bob --http-password=«wpw» https://example.com/f`,
	`git clone https://bob:«gitpw»@git.example.com/r.git`,
	`git clone https://x-access-token:«ghs_` + `16C7e42F292c6912E7710c838347Ae178B4a»@github.com/o/r.git`,
	`git clone https://«0123456789abcdef0123456789abcdef01234567»@github.com/o/r.git`,
	`git -c http.extraheader="AUTHORIZATION: basic «eC1hY2Nlc3M6dG9r»" fetch origin`,
	`http -a bob:«pw» GET https://example.com`,
	`lftp -u bob,«pw» sftp://files.example.com`,
	// Connection strings.
	`app.exe "Server=sql01;Database=shop;User Id=app;Password=«my secret»;Encrypt=true"`,
	`app.exe --ConnectionStrings:Default=Server=sql01;Uid=app;Pwd=«p=w&d»;Database=shop`,
	`app.exe "DefaultEndpointsProtocol=https;AccountName=st01;AccountKey=«` + strings.Repeat("aB3/", 21) + `xy==»;EndpointSuffix=core.windows.net"`,
	`app.exe "Endpoint=sb://ns.servicebus.windows.net/;SharedAccessKeyName=root;SharedAccessKey=«q1w2e3=»"`,
	`app.exe "HostName=h.azure-devices.net;DeviceId=d;SharedAccessSignature=«sr=x»"`,
	`java -jar app.jar --spring.datasource.url=jdbc:sqlserver://sql01:1433;user=app;password=«pw»;encrypt=true`,
	`java -Dspring.datasource.password=«dbpw» -Djavax.net.ssl.trustStorePassword=«changeit» -jar app.jar`,
	`java -cp a.jar Main amqp://guest:«gu3st»@mq:5672/vhost`,
	`celery -A app -b redis://:«pw»@cache/0 worker`,
	// Clouds and tools.
	`aws configure set aws_secret_access_key «wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY»`,
	`env AWS_ACCESS_KEY_ID=«AKIAIOSFODNN7EXAMPLE» AWS_SECRET_ACCESS_KEY=«wJalrXUtnFEMI/K7MDENG» aws s3 ls`,
	`az login --service-principal -u http://app -p «c5» --tenant example`,
	`az keyvault secret set --vault-name kv --name db --value «v4lue»`,
	`gcloud sql users set-password root --instance=i --password=«pw»`,
	`docker login -u bob -p «dck» registry.example.com`,
	`docker run -d -e MYSQL_ROOT_PASSWORD=«my-secret-pw» -e "APP_TOKEN=«t k»" -p 3306:3306 mysql:8`,
	`kubectl --token=«abc.def» get pods`,
	`kubectl create secret generic db --from-literal=user=«app» --from-literal=password=«pw»`,
	`helm upgrade app ./chart --set db.password=«x»,db.host=db01 --set-string auth.token=«y»`,
	`vault login «s.abcdefghijklmnopqrstuvwx»`,
	`vault write auth/approle/login role_id=web secret_id=«abc-def»`,
	`terraform apply -var db_password=«x» -var 'region=eu'`,
	`ansible-playbook site.yml -e "ansible_password=«x y»"`,
	`npm publish --//registry.npmjs.org/:_authToken=«npm_` + `abcdefghijklmnopqrstuvwxyz0123456789»`,
	`npm config set //registry.example.com/:_password «cGFzcw==»`,
	`dotnet user-secrets set Smtp:Key «smtpkey» --project src/app`,
	`dotnet nuget push a.nupkg -k «oy2abc» -s https://api.nuget.org/v3/index.json`,
	`gh secret set TOKEN --body «b0dy»`,
	`sshpass -p «sshpw» ssh -p 22 root@10.0.0.4`,
	`ldapsearch -x -D cn=admin,dc=corp -w «ldappw» -b dc=corp`,
	`smbclient //nas/share -U bob%«pw» -c ls`,
	`7z a -p«zipp» -mhe backup.7z data`,
	`zip -P «zipp» backup.zip data`,
	`rar a -hp«r4r» backup.rar data`,
	`openssl pkcs12 -in a.pfx -passin pass:«pfx» -passout env:OUT -nodes`,
	`keytool -importcert -storepass «changeit» -keypass «k3y» -file ca.crt`,
	`htpasswd -b -c .htpasswd bob «ht»`,
	`htpasswd -nbB bob «ht»`,
	`/bin/sh -c echo «'s3cret pw'» | sudo -S apt-get update`,
	`bash -c "echo «bob:pw» | chpasswd"`,
	`bash -c "echo «tok» | docker login --password-stdin -u bob"`,
	`snmpwalk -v2c -c «c0mm» 10.0.0.1`,
	`rclone config create nas sftp host=nas user=bob pass=«obsc»`,
	`rabbitmqctl add_user bob «rmq»`,
	`wpa_passphrase office «w1fi-key»`,
	`node server.js --jwt-secret «abc» --port 8080`,
	`python app.py --apikey=«abc» --dbPassword «def» -DbPwd=«ghi»`,
	`app --config '{"token": "«abc»", "tokens": 12}'`,
	`app --env "password: «abc»"`,
	`app Password = «x1» Token := '«y 2»'`,
	`sc.exe config svc password= «x»`,
	// Quotes, and command lines in command lines.
	`"mysql" "-uroot" "-p«Super Secret»" shop`,
	`mysql --defaults-extra-file=/etc/my.cnf --password=«'it'"'"'s me'» shop`,
	`C:\tools\sqlcmd.exe /S srv /U sa /P «Secret123»`,
	`sqlcmd -S "tcp:x" -U "sa" -P "«Pa\"ss word»" -d db`,
	`net use X: "\\srv\my share" "«Pa ss»" /user:dom\bob`,
	`net user "John Smith" «P4ss» /add`,
	`powershell -w hidden -ec «SQBFAFgA»`,
	`powershell "$cred = New-Object PSCredential('u',(ConvertTo-SecureString '«hunter2»' -AsPlainText -Force))"`,
	`powershell -c "$env:AWS_SECRET_ACCESS_KEY='«abc/def»'; aws s3 ls"`,
	`app "Driver={SQL Server};Server=x;Uid=u;Pwd={«a;b»};"`,
	`bash -c 'mysql -uroot -p"«my pw»" -e x'`,
	`python -c "requests.get('http://x', auth=('u','«hunter2»'))"`,
	`app jdbc:oracle:thin:scott/«tiger»@h:1521:x`,
	`app smtp://u@x.com:«hunter2»@smtp.x.com:587`,
	`app --proxy u:«hunter2»@proxy:8080`,
	`ssh host "mysql -uroot -p«hunter2» db"`,
	`mount -t cifs //h/s /mnt -o username=u,password=«hunter2»,vers=3`,
	`app 5f4dcc3b5aa7 --x=«5f4dcc3b5aa765d61d8327deb882cf995f4dcc3b5aa765d6»`,
	// Secrets by their form.
	`app «ghp_` + `16C7e42F292c6912E7710c838347Ae178B4a»`,
	`app --x=«glpat-` + `abcdefghij0123456789» «xoxb-` + `123456789012-abcdefghijkl»`,
	`app «AIza` + `SyA1234567890abcdefghijklmnopqrstuv»`,
	`app «sk_` + `live_4eC39HqLyjWDarjtT1zdp7dc»`,
	`app «eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U»`,
	`app «SG.` + `abcdefghijklmnop12.abcdefghijklmnop34»`,
	`app «hvs.` + `CAESIJabcdefghijklmnop0123»`,
	`app "<soap:Password>«a b»</soap:Password>"`,
	`app «wJalrXUt1FEMI9K7MDENGzbPxR2fiCYEXaMP3LeKEY4q»`,
	`app --key "-----BEGIN RSA PRIVATE KEY-----«MIIEpAIBAAKCAQEA»-----END RSA PRIVATE KEY-----"`,
}

// split returns a line of the table as it is and as it shall be.
func split(line string) (given, want string) {
	for {
		before, rest, found := strings.Cut(line, "«")
		if !found {
			return given + line, want + line
		}
		hidden, after, _ := strings.Cut(rest, "»")
		given, want, line = given+before+hidden, want+before+redact.Marker, after
	}
}

// redactor returns one with the built-in rules.
func redactor(t testing.TB, o redact.Options) *redact.Redactor {
	t.Helper()
	r, err := redact.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// fixture returns the lines of the files of that name but comments.
func fixture(t testing.TB, name string) []string {
	t.Helper()
	paths, err := filepath.Glob("testdata/" + name)
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s: %d files, %v", name, len(paths), err)
	}
	var all []string
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines := slices.DeleteFunc(strings.Split(strings.TrimSpace(string(text)), "\n"), func(line string) bool { return strings.HasPrefix(line, "#") })
		if len(lines) == 0 {
			t.Fatalf("%s: no lines", path)
		}
		all = append(all, lines...)
	}
	return all
}

func TestSecretsAreHidden(t *testing.T) {
	r := redactor(t, redact.Options{})
	for _, line := range append(fixture(t, "secrets*.txt"), secretLines...) {
		given, want := split(line)
		if given == want {
			t.Errorf("%s: the table names no secret", line)
		}
		if diff := cmp.Diff(want, r.Line(given)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", given, diff)
		}
	}
}
