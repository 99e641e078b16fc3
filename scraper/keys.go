package scraper

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
	"unicode"
)

const (
	hashPrefix = "sha256:" // then SALT:DIGEST, both in base64url without padding
	saltSize   = 16        // bytes
)

// SafeKeySize is the size in bytes from which on a random key can not be guessed from its hash.
const SafeKeySize = 20

// HashToken returns a salted hash that stands for the key in push.tokens and push.tokens_file:
// "sha256:SALT:DIGEST". One round of SHA-256 withstands guessing only if the key is random
// and of at least SafeKeySize bytes.
func HashToken(key string) (string, error) {
	if err := checkKey(key); err != nil {
		return "", fmt.Errorf("hash token: %w", err)
	}
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt) // never fails: https://pkg.go.dev/crypto/rand#Read
	digest := saltedDigest(salt, key)
	encode := base64.RawURLEncoding.EncodeToString
	return hashPrefix + encode(salt) + ":" + encode(digest[:]), nil
}

// NewToken returns a random key that is fit for HashToken.
func NewToken() string { return rand.Text() }

func saltedDigest(salt []byte, key string) [sha256.Size]byte {
	return sha256.Sum256(append(bytes.Clone(salt), key...))
}

func checkKey(key string) error {
	if key == "" {
		return errors.New("an empty key")
	}
	if strings.ContainsFunc(key, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return errors.New("a key must not have white space or control characters in it")
	}
	return nil
}

// token is one key that is accepted: a digest over salt and key. For a literal key the salt
// is made up when it is read.
type token struct {
	salt   []byte
	digest [sha256.Size]byte
}

func parseToken(text string) (token, error) {
	if err := checkKey(text); err != nil {
		return token{}, err
	}
	hash, ok := strings.CutPrefix(text, hashPrefix)
	if !ok {
		salt := []byte(rand.Text())
		return token{salt: salt, digest: saltedDigest(salt, text)}, nil
	}
	salt, digest, _ := strings.Cut(hash, ":")
	s, err1 := base64.RawURLEncoding.DecodeString(salt)
	d, err2 := base64.RawURLEncoding.DecodeString(digest)
	if err1 != nil || err2 != nil || len(s) == 0 || len(d) != sha256.Size {
		return token{}, errors.New("it begins like a hash and is none; procmon token hash makes one")
	}
	return token{salt: s, digest: [sha256.Size]byte(d)}, nil
}

// Keys are the keys that a Receiver accepts. The zero Keys accepts none.
type Keys struct {
	listed []token
	path   string

	mu      sync.Mutex
	checked time.Time
	stamp   fileStamp
	read    []token // from path
	known   map[[sha256.Size]byte]bool
	nonce   [saltSize]byte
}

type fileStamp struct {
	modified time.Time
	size     int64
}

// LoadKeys parses tokens, each a literal key or a hash from HashToken, and the file of that
// path, if there is one, with a token on each line and comments after "#" at the beginning
// of a line. The file is read again when it changes. Errors never hold a key.
func LoadKeys(tokens []string, path string) (*Keys, error) {
	k := &Keys{path: path, known: map[[sha256.Size]byte]bool{}}
	_, _ = rand.Read(k.nonce[:])
	for i, text := range tokens {
		t, err := parseToken(text)
		if err != nil {
			return nil, fmt.Errorf("token %d: %w", i+1, err)
		}
		k.listed = append(k.listed, t)
	}
	if path == "" {
		return k, nil
	}
	var err error
	k.stamp, k.read, err = readTokens(path)
	return k, err
}

func readTokens(path string) (fileStamp, []token, error) {
	info, err := os.Stat(path) // before it is read, so that a change in between is seen
	if err != nil {
		return fileStamp{}, nil, fmt.Errorf("read tokens: %w", err)
	}
	stamp := fileStamp{modified: info.ModTime(), size: info.Size()}
	data, err := os.ReadFile(path)
	if err != nil {
		return stamp, nil, fmt.Errorf("read tokens: %w", err)
	}
	var tokens []token
	lines := bufio.NewScanner(bytes.NewReader(data))
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		t, err := parseToken(text)
		if err != nil {
			return stamp, nil, fmt.Errorf("read tokens: %s:%d: %w", path, n, err)
		}
		tokens = append(tokens, t)
	}
	if err := lines.Err(); err != nil {
		return stamp, nil, fmt.Errorf("read tokens: %s: %w", path, err)
	}
	return stamp, tokens, nil
}

// refresh reads the file again if it changed, and looks at most once a second. After an
// error the keys stay as they were; it is returned once for each change.
func (k *Keys) refresh(now time.Time) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.path == "" || now.Sub(k.checked).Abs() < time.Second {
		return nil
	}
	k.checked = now
	var stamp fileStamp
	info, err := os.Stat(k.path)
	if err == nil {
		stamp = fileStamp{modified: info.ModTime(), size: info.Size()}
	}
	if stamp == k.stamp {
		return nil
	}
	stamp, tokens, err := readTokens(k.path)
	k.stamp = stamp
	if err != nil {
		return err
	}
	k.read = tokens
	clear(k.known)
	return nil
}

// accept reports whether key is one of k, and its fingerprint, which differs from run to
// run. The time that it takes does not depend on how much of a key is right.
func (k *Keys) accept(key string) (fingerprint [sha256.Size]byte, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	fingerprint = saltedDigest(k.nonce[:], key)
	if k.known[fingerprint] {
		return fingerprint, true
	}
	match := 0
	for _, list := range [][]token{k.listed, k.read} {
		for _, t := range list {
			digest := saltedDigest(t.salt, key)
			match |= subtle.ConstantTimeCompare(digest[:], t.digest[:])
		}
	}
	if match == 1 {
		k.known[fingerprint] = true // as many as there are tokens at most
	}
	return fingerprint, match == 1
}
