package redact

import "strings"

// A role is what a word says of the name that it is part of. A word can have several, by
// where it stands.
type role uint16

const (
	secret    role = 1 << iota // the value is a secret, also as an argument of its own: --password x
	counted                    // like secret, but a number is a quantity: --tokens 100
	vague                      // like secret, but a value that names a method is none: --auth basic
	assigned                   // the value is a secret when = or : leads to it: sig=x
	queried                    // the same in the query of a URL only: ?code=x
	key                        // a secret after a qualifier: --api-key x
	qualifier                  // of a key
	matter                     // a secret after a key: --key-material x
	about                      // after a secret, it is not the value: --password-file x
	without                    // before a secret, it is not the value: --no-password; also after it

	plain  role = 0
	valued      = secret | counted | vague | assigned
)

// words are those that names are made of, in lower case.
var words = roles(map[role]string{
	secret: `password passwords passwd pwd pw pass passphrase passcode passwort kennwort mdp motdepasse contrasena senha
		passwordd passwordo passwordt secret secrets token apikey apitoken credential credentials cred creds
		authkey authtoken accesskey accountkey privatekey secretkey masterkey jwt bearer psk pat pin otp totp
		authorization masterauth setcookie cookie keymaterial
		privkey pswd psw passw pssword passe wachtwoord parola haslo clave mnemonic puk sas activationcode`,
	matter:   `material phrase`,
	counted:  `tokens`,
	vague:    `auth oauth authn basicauth proxyauth`,
	assigned: `sig signature sas community ntlm nthash lmhash`,
	queried:  `code key hmac session sid sessionid jsessionid phpsessid ticket assertion`,
	key:      `key keys`,
	qualifier: `api access private account shared secret encryption decryption crypt master sign signing storage subscription
		function functions admin session service connection client app application webhook cipher aes hmac consumer bot
		write ingest ingestion deploy deployment registration join enrollment enroll activation agent license licence
		product recovery security preshared root unseal seal device provisioning publish insert eventhub integration install installation maintenance site instrumentation priv sse wpa wep wifi enc bind`,
	about: `file files path paths dir directory folder url uri urls endpoint host hostname port server type kind name names policy
		length len size min max ttl expiry expires expiration expire lifetime timeout age mode method methods format encoding
		algorithm alg algo prompt prompts ask stdin fd env var provider providers manager plugin command cmd program helper
		script count limit limits ca index issuer audience scope scopes field fields header headers label labels required enabled
		disabled enable disable strength rotation rotate version cache authentication location source src ref reference id ids
		separator username user realm domain group groups role roles level check validator list reset change changes page
		option options protection bytes budget window per vocab rate bucket usage style model parallel interval config conf
		json yaml yml xml txt pem crt cer pfx jks exe dll jar py js sh ps so db sqlite log csv ini html md png zip
		store storage review exchange broker login service services class factory handler callback resolver generator generation
		backend only free less aware safe hint hints mount volume delimiter template templates permission permissions permitted
		attempts retry retries nocache history complexity char chars charset alphabet iterations rounds detection scan scanner scanning
		sign signing kinds types webhook sets`,
	without: `no not ask prompt max min num skip disable disabled enable enabled allow require required requires
		without total count avg average n public`,
})

// roles turns lists of words into an index.
func roles(lists map[role]string) map[string]role {
	index := map[string]role{}
	for r, list := range lists {
		for _, w := range strings.Fields(list) {
			index[w] |= r
		}
	}
	return index
}

// longestName bounds in bytes what is read of a name; of what is longer its end counts.
const longestName = 160

// classify returns what the name of an option or variable says of its value: secret, counted,
// vague, assigned, queried or plain. The last word about a secret decides.
func classify(name string) role {
	name = name[max(0, len(name)-longestName):]
	said, qualified, keyed, before := plain, false, false, ""
	for i := 0; i < len(name); {
		if !is(name[i], letter) {
			i++
			continue
		}
		end := wordEnd(name, i)
		r := lookup(name[i:end])
		text := name[i:end]
		if i == 1 && r == plain && name[:2] == "-D" { // java -Dencryption.key=x
			r = lookup(name[2:end])
		}
		if len(text) == len("code") && equalFold(text, "code") && new(word).in(unlocking, before) {
			r |= secret
		}
		before = text
		alone := end == i+1
		i = end
		switch {
		case r&valued != 0:
			said = r & valued
		case r&key != 0 && (qualified || said&(secret|vague) != 0):
			said = secret
		case r&matter != 0 && keyed:
			said = secret
		case said == plain && r&queried != 0:
			said = queried
		case said == plain && r&without != 0:
			return plain
		case said&valued != 0 && r&(about|without) != 0:
			said = plain
		}
		keyed = r&key != 0
		if !alone {
			qualified = r&(qualifier|secret|vague) != 0
		}
	}
	return said
}

// unlocking are words that make a secret of a code: --activation-code x.
var unlocking = set(`activation enrollment pairing unlock recovery invitation verification`)

// wordEnd returns where the word ends that begins at i: foo_bar, fooBar and FOOBar have two.
// Digits end a word and belong to none.
func wordEnd(name string, i int) int {
	start := i
	for i < len(name) && is(name[i], upper) {
		i++
	}
	lowered := i < len(name) && is(name[i], letter)
	switch {
	case i-start > 1 && lowered:
		return i - 1 // the last capital begins the next word
	case i-start > 1:
		return i
	}
	for i < len(name) && is(name[i], letter) && !is(name[i], upper) {
		i++
	}
	return i
}

// suffixes make a secret of a longer word that ends in them, such as dbpassword.
var suffixes = [...]string{
	"password", "passwd", "passphrase", "passcode", "pwd", "pass", "secret", "token", "credentials", "credential",
	"apikey", "accesskey", "accountkey", "privatekey", "secretkey", "masterkey", "authkey", "signingkey", "licensekey",
	"encryptionkey", "productkey", "securitykey",
}

// harmless are words that end in a suffix and say something else.
var harmless = map[string]bool{
	"allpass": true, "askpass": true, "bandpass": true, "bypass": true, "compass": true, "encompass": true, "firstpass": true,
	"getpass": true, "highpass": true, "keepass": true, "lowpass": true, "multipass": true, "oldpwd": true, "overpass": true,
	"prepass": true, "renderpass": true, "singlepass": true, "subpass": true, "surpass": true, "trespass": true,
	"twopass": true, "underpass": true,
}

func lookup(text string) role {
	var w word
	low := w.fold(text)
	if r, found := words[string(low)]; found || len(low) < 4 {
		return r
	}
	switch low[len(low)-1] {
	case 'y':
		if n := len(low) - len("key"); n >= 3 && string(low[n:]) == "key" && words[string(low[:n])]&qualifier != 0 {
			return secret
		}
	case 'd', 'e', 't', 'n', 's', 'l':
	case 'w':
		if low[len(low)-2] == 'p' { // ADMINPW; no word ends so
			return secret
		}
		return plain
	default:
		return plain
	}
	for _, suffix := range suffixes {
		if len(low) >= len(suffix) && string(low[len(low)-len(suffix):]) == suffix {
			if harmless[string(low)] {
				return plain
			}
			return secret
		}
	}
	return plain
}
