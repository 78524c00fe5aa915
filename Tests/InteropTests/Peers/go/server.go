package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

func (o *options) serverConfig() (*ssh.ServerConfig, error) {
	config := &ssh.ServerConfig{Config: o.config()}
	for index, path := range o.hostKeys {
		certificate := ""
		if index == 0 {
			certificate = o.hostCertificate
		}
		signer, err := readKey(path, certificate)
		if err != nil {
			return nil, err
		}
		config.AddHostKey(signer)
	}
	var known []ssh.PublicKey
	var authority ssh.PublicKey
	var err error
	if o.authorizedKeys != "" {
		if known, err = readPublicKeys(o.authorizedKeys); err != nil {
			return nil, err
		}
	}
	if o.authority != "" {
		if authority, err = readPublicKey(o.authority); err != nil {
			return nil, err
		}
	}
	checker := &ssh.CertChecker{
		IsUserAuthority: func(key ssh.PublicKey) bool {
			return authority != nil && bytes.Equal(key.Marshal(), authority.Marshal())
		},
		UserKeyFallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			for _, candidate := range known {
				if bytes.Equal(candidate.Marshal(), key.Marshal()) {
					return nil, nil
				}
			}
			return nil, errors.New("an unknown key")
		},
	}
	if known != nil || authority != nil {
		config.PublicKeyCallback = checker.Authenticate
	}
	if o.password != "" {
		config.PasswordCallback = func(_ ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
			if string(password) != o.password {
				return nil, errors.New("another password")
			}
			return nil, nil
		}
	}
	if len(o.answers) > 0 {
		config.KeyboardInteractiveCallback = o.ask
	}
	return config, nil
}

func (o *options) ask(_ ssh.ConnMetadata, challenge ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
	var questions []string
	for index := range o.answers {
		questions = append(questions, fmt.Sprintf("Question %d: ", index+1))
	}
	given, err := challenge("Login", "", questions, make([]bool, len(questions)))
	if err != nil {
		return nil, err
	}
	for index, answer := range o.answers {
		if given[index] != answer {
			return nil, errors.New("another answer")
		}
	}
	return nil, nil
}

func serve(o *options) error {
	config, err := o.serverConfig()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(o.port)))
	if err != nil {
		return err
	}
	say(report{"listening": listener.Addr().(*net.TCPAddr).Port})
	for {
		stream, err := listener.Accept()
		if err != nil {
			return err
		}
		go serveOne(o, config, stream)
	}
}

func serveOne(o *options, config *ssh.ServerConfig, stream net.Conn) {
	connection, channels, requests, err := ssh.NewServerConn(stream, config)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		stream.Close()
		return
	}
	say(report{"user": connection.User(), "negotiated": o.negotiated()})
	forwards := &remoteForwards{connection: connection, listeners: map[string]net.Listener{}}
	defer forwards.close()
	go forwards.answer(requests)
	for channel := range channels {
		switch channel.ChannelType() {
		case "session":
			go session(channel)
		case "direct-tcpip":
			go forwardLocal(channel)
		default:
			channel.Reject(ssh.UnknownChannelType, "no such channel here")
		}
	}
}

func session(offer ssh.NewChannel) {
	channel, requests, err := offer.Accept()
	if err != nil {
		return
	}
	for request := range requests {
		var payload struct{ Text string }
		switch request.Type {
		case "env":
			request.Reply(true, nil)
		case "exec":
			ssh.Unmarshal(request.Payload, &payload)
			request.Reply(true, nil)
			go run(channel, payload.Text)
		case "shell":
			request.Reply(true, nil)
			go run(channel, "exec /bin/sh")
		case "subsystem":
			ssh.Unmarshal(request.Payload, &payload)
			request.Reply(payload.Text == "sftp", nil)
			if payload.Text == "sftp" {
				go func() {
					if server, err := sftp.NewServer(channel); err == nil {
						server.Serve()
					}
					exit(channel, 0)
				}()
			}
		default:
			if request.WantReply {
				request.Reply(false, nil)
			}
		}
	}
}

func exit(channel ssh.Channel, status int) {
	channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{uint32(status)}))
	channel.Close()
}

func run(channel ssh.Channel, text string) {
	command := exec.Command("/bin/sh", "-c", text)
	command.Stdout, command.Stderr = channel, channel.Stderr()
	input, err := command.StdinPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		fmt.Fprintln(channel.Stderr(), err)
		exit(channel, 127)
		return
	}
	go func() {
		io.Copy(input, channel)
		input.Close()
	}()
	err = command.Wait()
	status, isStatus := command.ProcessState.Sys().(syscall.WaitStatus)
	if isStatus && status.Signaled() {
		name := map[syscall.Signal]string{syscall.SIGKILL: "KILL", syscall.SIGTERM: "TERM"}[status.Signal()]
		channel.CloseWrite()
		channel.SendRequest("exit-signal", false, ssh.Marshal(struct {
			Name     string
			Core     bool
			Text     string
			Language string
		}{name, false, "", ""}))
		channel.Close()
		return
	}
	channel.CloseWrite()
	exit(channel, command.ProcessState.ExitCode())
}

// join copies both ways until both directions have ended.
func join(channel ssh.Channel, stream net.Conn) {
	var both sync.WaitGroup
	both.Add(2)
	go func() {
		io.Copy(stream, channel)
		stream.(*net.TCPConn).CloseWrite()
		both.Done()
	}()
	go func() {
		io.Copy(channel, stream)
		channel.CloseWrite()
		both.Done()
	}()
	both.Wait()
	stream.Close()
	channel.Close()
}

// endpoints is the extra data of direct-tcpip and forwarded-tcpip (RFC 4254 §7.2).
type endpoints struct {
	Host       string
	Port       uint32
	OriginHost string
	OriginPort uint32
}

func forwardLocal(offer ssh.NewChannel) {
	var to endpoints
	if err := ssh.Unmarshal(offer.ExtraData(), &to); err != nil {
		offer.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	stream, err := net.Dial("tcp", net.JoinHostPort(to.Host, strconv.Itoa(int(to.Port))))
	if err != nil {
		offer.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	channel, requests, err := offer.Accept()
	if err != nil {
		stream.Close()
		return
	}
	go ssh.DiscardRequests(requests)
	join(channel, stream)
}

// remoteForwards are the listeners that a client asked for (RFC 4254 §7.1).
type remoteForwards struct {
	connection *ssh.ServerConn
	lock       sync.Mutex
	listeners  map[string]net.Listener
}

type bindRequest struct {
	Host string
	Port uint32
}

func (f *remoteForwards) answer(requests <-chan *ssh.Request) {
	for request := range requests {
		var bind bindRequest
		if err := ssh.Unmarshal(request.Payload, &bind); err != nil {
			request.Reply(false, nil)
			continue
		}
		switch request.Type {
		case "tcpip-forward":
			f.listen(request, bind)
		case "cancel-tcpip-forward":
			f.lock.Lock()
			listener, known := f.listeners[net.JoinHostPort(bind.Host, strconv.Itoa(int(bind.Port)))]
			f.lock.Unlock()
			if known {
				listener.Close()
			}
			request.Reply(known, nil)
		default:
			request.Reply(false, nil)
		}
	}
}

func (f *remoteForwards) listen(request *ssh.Request, bind bindRequest) {
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(int(bind.Port))))
	if err != nil {
		request.Reply(false, nil)
		return
	}
	port := uint32(listener.Addr().(*net.TCPAddr).Port)
	f.lock.Lock()
	f.listeners[net.JoinHostPort(bind.Host, strconv.Itoa(int(port)))] = listener
	f.lock.Unlock()
	var answer []byte
	if bind.Port == 0 {
		answer = ssh.Marshal(struct{ Port uint32 }{port})
	}
	request.Reply(true, answer)
	go func() {
		for {
			stream, err := listener.Accept()
			if err != nil {
				return
			}
			origin := stream.RemoteAddr().(*net.TCPAddr)
			channel, requests, err := f.connection.OpenChannel("forwarded-tcpip", ssh.Marshal(endpoints{
				bind.Host, port, origin.IP.String(), uint32(origin.Port),
			}))
			if err != nil {
				stream.Close()
				continue
			}
			go ssh.DiscardRequests(requests)
			go join(channel, stream)
		}
	}()
}

func (f *remoteForwards) close() {
	f.lock.Lock()
	defer f.lock.Unlock()
	for _, listener := range f.listeners {
		listener.Close()
	}
}
