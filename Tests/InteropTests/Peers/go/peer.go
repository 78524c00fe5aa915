// Go's x/crypto/ssh as a peer: the command line and the report. See ../README.md.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"hash"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"
)

// short is the size up to which output is in the report as text.
const short = 4096

type report map[string]interface{}

func say(value interface{}) {
	line, err := json.Marshal(value)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Stdout.Write(append(line, '\n'))
}

// names is a comma list on the command line.
type names []string

func (n *names) String() string { return strings.Join(*n, ",") }

func (n *names) Set(text string) error {
	*n = append(*n, strings.Split(text, ",")...)
	return nil
}

type options struct {
	port                                  int
	kex, cipher, mac, hostKey, compressor names
	rekey                                 uint64
	password                              string
	answers                               names

	host, user, trust, trustAuthority string
	key, certificate                  string
	input, output                     string

	hostKeys                                   names
	hostCertificate, authorizedKeys, authority string

	action    string
	arguments []string
}

func parse(role string, arguments []string) (*options, error) {
	o := &options{}
	flags := flag.NewFlagSet(role, flag.ContinueOnError)
	flags.IntVar(&o.port, "port", 0, "")
	flags.Var(&o.kex, "kex", "")
	flags.Var(&o.cipher, "cipher", "")
	flags.Var(&o.mac, "mac", "")
	flags.Var(&o.hostKey, "host-key-algorithm", "")
	flags.Var(&o.compressor, "compression", "")
	flags.Uint64Var(&o.rekey, "rekey", 0, "")
	flags.StringVar(&o.password, "password", "", "")
	flags.Var(&o.answers, "answers", "")
	if role == "client" {
		flags.StringVar(&o.host, "host", "127.0.0.1", "")
		flags.StringVar(&o.user, "user", "", "")
		flags.StringVar(&o.trust, "trust", "", "")
		flags.StringVar(&o.trustAuthority, "trust-authority", "", "")
		flags.StringVar(&o.key, "key", "", "")
		flags.StringVar(&o.certificate, "certificate", "", "")
		flags.StringVar(&o.input, "input", "", "")
		flags.StringVar(&o.output, "output", "", "")
	} else {
		flags.Var(&o.hostKeys, "host-key", "")
		flags.StringVar(&o.hostCertificate, "host-certificate", "", "")
		flags.StringVar(&o.authorizedKeys, "authorized-keys", "", "")
		flags.StringVar(&o.authority, "authority", "", "")
	}
	if err := flags.Parse(arguments); err != nil {
		return nil, err
	}
	if role == "client" {
		if flags.NArg() == 0 {
			return nil, fmt.Errorf("an action is missing")
		}
		o.action, o.arguments = flags.Arg(0), flags.Args()[1:]
	}
	return o, nil
}

func (o *options) config() ssh.Config {
	return ssh.Config{
		KeyExchanges: o.kex, Ciphers: o.cipher, MACs: o.mac, RekeyThreshold: o.rekey,
	}
}

// negotiated repeats what was asked for: this version of the library does not tell.
func (o *options) negotiated() report {
	one := func(n names) interface{} {
		if len(n) == 1 {
			return n[0]
		}
		return nil
	}
	return report{"kex": one(o.kex), "cipher": one(o.cipher), "mac": one(o.mac), "hostKey": one(o.hostKey)}
}

// features lists what the library has. It has no such list itself; the names are those of its source. Its CBC ciphers are
// left out: they fail against OpenSSH too. Its client signs with rsa-sha2-256 whatever else the server takes.
func features() report {
	keys := []string{
		ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoRSASHA256,
	}
	common := func(actions []string, userKeys []string, kex ...string) report {
		return report{
			"kex": append(kex,
				"curve25519-sha256", "curve25519-sha256@libssh.org",
				"ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521",
				"diffie-hellman-group14-sha256", "diffie-hellman-group14-sha1",
				"diffie-hellman-group1-sha1"),
			"ciphers": []string{
				"aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com", "aes128-ctr", "aes192-ctr", "aes256-ctr",
			},
			"macs":     []string{"hmac-sha2-256-etm@openssh.com", "hmac-sha2-256", "hmac-sha1"},
			"hostKeys": append(keys, ssh.KeyAlgoRSASHA512), "userKeys": userKeys, "compression": []string{"none"}, "actions": actions,
		}
	}
	return report{
		"client": common([]string{"exec", "forward-local", "forward-remote", "put", "get", "list"}, keys,
			"diffie-hellman-group-exchange-sha256", "diffie-hellman-group-exchange-sha1"),
		"server": common([]string{"exec", "forward-local", "forward-remote", "sftp"},
			append(keys, ssh.KeyAlgoRSASHA512)),
	}
}

// sink takes what came back: counted, hashed, and kept in a file when one is named.
type sink struct {
	hash  hash.Hash
	count int
	text  bytes.Buffer
	file  *os.File
}

func newSink(path string) (*sink, error) {
	s := &sink{hash: sha256.New()}
	if path == "" {
		return s, nil
	}
	var err error
	s.file, err = os.Create(path)
	return s, err
}

func (s *sink) Write(data []byte) (int, error) {
	s.hash.Write(data)
	s.count += len(data)
	if s.count <= short {
		s.text.Write(data)
	}
	if s.file != nil {
		return s.file.Write(data)
	}
	return len(data), nil
}

func (s *sink) report() report {
	if s.file != nil {
		s.file.Close()
	}
	r := report{"bytes": s.count, "sha256": hex.EncodeToString(s.hash.Sum(nil))}
	if s.count <= short {
		r["stdout"] = s.text.String()
	}
	return r
}

func readKey(path, certificate string) (ssh.Signer, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	signer, err := ssh.ParsePrivateKey(text)
	if err != nil || certificate == "" {
		return signer, err
	}
	public, err := readPublicKey(certificate)
	if err != nil {
		return nil, err
	}
	cert, isCertificate := public.(*ssh.Certificate)
	if !isCertificate {
		return nil, fmt.Errorf("%s is no certificate", certificate)
	}
	return ssh.NewCertSigner(cert, signer)
}

func readPublicKey(path string) (ssh.PublicKey, error) {
	keys, err := readPublicKeys(path)
	if err != nil {
		return nil, err
	}
	return keys[0], nil
}

func readPublicKeys(path string) ([]ssh.PublicKey, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var keys []ssh.PublicKey
	for len(bytes.TrimSpace(text)) > 0 {
		key, _, _, rest, err := ssh.ParseAuthorizedKey(text)
		if err != nil {
			return nil, err
		}
		keys, text = append(keys, key), rest
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s has no key", path)
	}
	return keys, nil
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: peer features | client … | server …")
		os.Exit(2)
	}
	role := os.Args[1]
	if role == "features" {
		say(features())
		return
	}
	o, err := parse(role, os.Args[2:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if role == "server" {
		err = serve(o)
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	r, err := visit(o)
	if err != nil {
		say(report{"ok": false, "error": err.Error()})
		os.Exit(1)
	}
	r["ok"] = true
	r["negotiated"] = o.negotiated()
	say(r)
}
