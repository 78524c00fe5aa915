package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sort"
	"strconv"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

func (o *options) hostKeyCallback() (ssh.HostKeyCallback, error) {
	switch {
	case o.trust != "":
		key, err := readPublicKey(o.trust)
		if err != nil {
			return nil, err
		}
		return ssh.FixedHostKey(key), nil
	case o.trustAuthority != "":
		authority, err := readPublicKey(o.trustAuthority)
		if err != nil {
			return nil, err
		}
		checker := &ssh.CertChecker{
			IsHostAuthority: func(key ssh.PublicKey, address string) bool {
				return bytes.Equal(key.Marshal(), authority.Marshal())
			},
		}
		return checker.CheckHostKey, nil
	default:
		return ssh.InsecureIgnoreHostKey(), nil
	}
}

func (o *options) methods() ([]ssh.AuthMethod, error) {
	var methods []ssh.AuthMethod
	if o.key != "" {
		signer, err := readKey(o.key, o.certificate)
		if err != nil {
			return nil, err
		}
		methods = append(methods, ssh.PublicKeys(signer))
	}
	if o.password != "" {
		methods = append(methods, ssh.Password(o.password))
	}
	if len(o.answers) > 0 {
		left := o.answers
		methods = append(methods, ssh.KeyboardInteractive(
			func(name, instruction string, questions []string, echos []bool) ([]string, error) {
				if len(questions) > len(left) {
					return nil, errors.New("more questions than answers")
				}
				given := left[:len(questions)]
				left = left[len(questions):]
				return given, nil
			}))
	}
	return methods, nil
}

func visit(o *options) (report, error) {
	callback, err := o.hostKeyCallback()
	if err != nil {
		return nil, err
	}
	methods, err := o.methods()
	if err != nil {
		return nil, err
	}
	client, err := ssh.Dial("tcp", net.JoinHostPort(o.host, strconv.Itoa(o.port)), &ssh.ClientConfig{
		Config: o.config(), User: o.user, Auth: methods, HostKeyCallback: callback, HostKeyAlgorithms: o.hostKey,
	})
	if err != nil {
		return nil, err
	}
	defer client.Close()
	switch o.action {
	case "exec":
		return o.exec(client)
	case "forward-local":
		return o.forwardLocal(client)
	case "forward-remote":
		return o.forwardRemote(client)
	default:
		return o.transfer(client)
	}
}

func (o *options) exec(client *ssh.Client) (report, error) {
	session, err := client.NewSession()
	if err != nil {
		return nil, err
	}
	defer session.Close()
	output, err := newSink(o.output)
	if err != nil {
		return nil, err
	}
	var complaints bytes.Buffer
	session.Stdout, session.Stderr = output, &complaints
	if o.input != "" {
		input, err := os.Open(o.input)
		if err != nil {
			return nil, err
		}
		defer input.Close()
		session.Stdin = input
	}
	err = session.Run(o.arguments[0])
	r := output.report()
	r["stderr"] = complaints.String()
	var exit *ssh.ExitError
	switch {
	case err == nil:
		r["status"] = 0
	case errors.As(err, &exit) && exit.Signal() != "":
		r["signal"] = exit.Signal()
	case errors.As(err, &exit):
		r["status"] = exit.ExitStatus()
	default:
		return nil, err
	}
	return r, nil
}

func (o *options) forwardLocal(client *ssh.Client) (report, error) {
	stream, err := client.Dial("tcp", net.JoinHostPort(o.arguments[0], o.arguments[1]))
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	var input io.Reader = bytes.NewReader(nil)
	if o.input != "" {
		file, err := os.Open(o.input)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		input = file
	}
	go func() {
		io.Copy(stream, input)
		stream.(interface{ CloseWrite() error }).CloseWrite()
	}()
	output, err := newSink(o.output)
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(output, stream); err != nil {
		return nil, err
	}
	return output.report(), nil
}

func (o *options) forwardRemote(client *ssh.Client) (report, error) {
	listener, err := client.Listen("tcp", net.JoinHostPort("127.0.0.1", o.arguments[0]))
	if err != nil {
		return nil, err
	}
	defer listener.Close()
	say(report{"listening": listener.Addr().(*net.TCPAddr).Port})
	stream, err := listener.Accept()
	if err != nil {
		return nil, err
	}
	output, _ := newSink("")
	if _, err := io.Copy(io.MultiWriter(output, stream), stream); err != nil {
		return nil, err
	}
	stream.(interface{ CloseWrite() error }).CloseWrite()
	return output.report(), stream.Close()
}

func (o *options) transfer(client *ssh.Client) (report, error) {
	files, err := sftp.NewClient(client)
	if err != nil {
		return nil, err
	}
	defer files.Close()
	if o.action == "list" {
		entries, err := files.ReadDir(o.arguments[0])
		if err != nil {
			return nil, err
		}
		list := []string{}
		for _, entry := range entries {
			list = append(list, entry.Name())
		}
		sort.Strings(list)
		return report{"names": list}, nil
	}
	var from io.ReadCloser
	var to io.WriteCloser
	switch o.action {
	case "put":
		from, err = os.Open(o.arguments[0])
		if err == nil {
			to, err = files.Create(o.arguments[1])
		}
	case "get":
		from, err = files.Open(o.arguments[0])
		if err == nil {
			to, err = os.Create(o.arguments[1])
		}
	default:
		err = fmt.Errorf("there is no action %s", o.action)
	}
	if err != nil {
		return nil, err
	}
	defer from.Close()
	if _, err := io.Copy(to, from); err != nil {
		return nil, err
	}
	return report{}, to.Close()
}
