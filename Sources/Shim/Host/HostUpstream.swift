// A host as a person names it, for a shim: found, checked and asked as `ssh` does it, and reached again and again with what
// the person said once.

import NIOCore
import SSH
public import SSHTools

/// How a person reaches a host, as the upstream of a shim.
public struct HostUpstream: Sendable {
    /// What the host is shown.
    public enum Proof: Sendable {
        /// Whatever ssh_config says: keys, agent, then questions.
        case configuration
        case password(String)
        /// One private key file.
        case identity(String)
        /// The keys of the agent that `SSH_AUTH_SOCK` names, and no file.
        case agent
    }

    private let request: ConnectionRequest
    private let backend: any HostBackend
    private let memory: AnswerMemory
    private let pin = HostKeyPin()

    /// - Parameters:
    ///   - request: What the command line says.
    ///   - proof: What the host is shown.
    ///   - backend: Knows what the name means.
    ///   - questions: Asks the person.
    public init(
        _ request: ConnectionRequest, proof: Proof, backend: any HostBackend, questions: any PersonQuestions
    ) {
        var request = request
        var password: String?
        // The first value of a keyword counts: what is said here comes before the files.
        switch proof {
        case .configuration: break
        case .password(let given):
            password = given
            request.options += [
                "PreferredAuthentications=password,keyboard-interactive", "PubkeyAuthentication=no",
                "NumberOfPasswordPrompts=1",
            ]
        case .identity(let path):
            request.identityFiles.append(path)
            request.options.append("IdentitiesOnly=yes")
        case .agent:
            request.options += ["IdentityFile=none", "IdentitiesOnly=no", "PreferredAuthentications=publickey"]
        }
        self.request = request
        self.backend = backend
        memory = AnswerMemory(questions, password: password)
    }

    /// The upstream, under a name of its own.
    public func upstream(named name: String) -> ShimUpstream {
        ShimUpstream(name: name, title: request.destination) { try await connect(on: $0) }
    }

    private func connect(on eventLoop: any EventLoop) async throws(UpstreamFailure) -> SSHConnection {
        let answers = memory.attempt()
        let attempt = pin.attempt()
        var connector = HostConnector(request, backend: backend, questions: answers, on: eventLoop)
        connector.lastWord = { settings, configuration in Self.settle(&settings, configuration, attempt) }
        do throws(Failure) {
            let host = try await connector.connect()
            attempt.keep()
            answers.keep()
            return host.connection
        } catch {
            throw UpstreamFailure(error)
        }
    }

    private static func settle(
        _ settings: inout SSHClientConfiguration, _ configuration: SSHConfiguration, _ attempt: HostKeyPin.Attempt
    ) {
        let verify = settings.verifyHostKey
        settings.verifyHostKey = { question in
            let answer = await verify(question)
            return answer == .accept ? attempt.verify(question) : answer
        }
        if let key = attempt.expected { settings.algorithms = settings.algorithms.preferring(hostKey: key) }
        if configuration.place(of: .serverAliveInterval) == nil {
            // OpenSSH never asks by itself. A shim is to notice a silent host within 30 seconds.
            settings.keepaliveInterval = .seconds(10)
            settings.keepaliveCountMax = 2
        }
        if configuration.connectTimeout == nil {
            // The next attempt comes soon: it may find the way that this one does not.
            settings.connectTimeout = .seconds(10)
            settings.handshakeTimeout = .seconds(30)
        }
        settings.maximumChannels = 4096
    }
}

extension UpstreamFailure {
    fileprivate init(_ failure: Failure) {
        if let cause = failure.cause {
            self.init(SSHError(cause, failure.sentence, hint: failure.hint))
        } else {
            // What the configuration, a file or a person says will be the same the next time.
            self.init(failure.sentence, hint: failure.hint, isFinal: true)
        }
    }
}
