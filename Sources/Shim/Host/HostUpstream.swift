// A host as a person names it, for a shim: found by ssh_config, checked against the known hosts, and asked for again and
// again with what the person said once.

import NIOConcurrencyHelpers
import NIOCore
import SSH
import SSHTools

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

    private let request: HostRequest
    private let proof: Proof
    private let memory = AnswerMemory()
    private let pin = HostKeyPin()
    /// More hosts on the way than anybody has; a loop in the configuration ends here.
    private static let maximumDepth = 8

    public init(_ request: HostRequest, proof: Proof) {
        self.request = request
        self.proof = proof
    }

    /// The upstream, under a name of its own.
    public func upstream(named name: String) -> ShimUpstream {
        ShimUpstream(name: name, title: request.destination) { eventLoop in
            let attempt = pin.attempt()
            let connection = try await connect(request, proof, attempt, on: eventLoop, depth: 0)
            attempt.keep()
            return connection
        }
    }

    private func connect(
        _ request: HostRequest, _ proof: Proof, _ attempt: HostKeyPin.Attempt?, on eventLoop: any EventLoop, depth: Int
    ) async throws(UpstreamFailure) -> SSHConnection {
        guard depth < Self.maximumDepth else {
            throw UpstreamFailure(
                "More than \(Self.maximumDepth) hosts lie on the way.", hint: "Look for a circle of ProxyJump lines.",
                isFinal: true)
        }
        let configuration = try request.resolve()
        let answers = memory.attempt()
        let settings = try await settings(configuration, proof, answers, attempt)
        do throws(SSHError) {
            let connection: SSHConnection
            if let jump = configuration.jumps.last {
                let way = request.onTheWay(jump, after: configuration.jumps.dropLast())
                let first = await reach(way, on: eventLoop, depth: depth + 1)
                connection = try await SSHClient.connect(
                    through: try first.get(), to: configuration.endpoint, configuration: settings)
            } else {
                connection = try await SSHClient.connect(
                    to: configuration.endpoint, configuration: settings, on: eventLoop)
            }
            answers.keep()
            return connection
        } catch {
            throw UpstreamFailure(error)
        }
    }

    /// A host on the way, as the configuration alone says.
    private func reach(
        _ request: HostRequest, on eventLoop: any EventLoop, depth: Int
    ) async -> Result<SSHConnection, SSHError> {
        do throws(UpstreamFailure) {
            return .success(try await connect(request, .configuration, nil, on: eventLoop, depth: depth))
        } catch {
            return .failure(
                SSHError(
                    error.isFinal ? .authenticationFailed : .connectionFailed, error.description, hint: error.hint))
        }
    }

    // MARK: Settings

    private func settings(
        _ configuration: SSHConfiguration, _ proof: Proof, _ answers: AnswersOfAttempt, _ attempt: HostKeyPin.Attempt?
    ) async throws(UpstreamFailure) -> SSHClientConfiguration {
        do {
            let credentials = try await credentials(configuration, proof, answers)
            let verify = try configuration.hostKeyVerification { question in
                configuration.isBatchMode ? false : Self.isConfirmed(question)
            }
            var settings = try SSHClientConfiguration(configuration, credentials: credentials) { question in
                let answer = await verify(question)
                guard answer == .accept, let attempt else { return answer }
                return attempt.verify(question)
            }
            if configuration.place(of: .serverAliveInterval) == nil {
                // OpenSSH never asks by itself. A shim is to notice a silent host within 30 seconds.
                settings.keepaliveInterval = .seconds(10)
                settings.keepaliveCountMax = 2
            }
            if let key = attempt?.expected { settings.algorithms = settings.algorithms.preferring(hostKey: key) }
            settings.maximumChannels = 4096
            return settings
        } catch let failure as UpstreamFailure {
            throw failure
        } catch let error as SSHConfigurationError {
            throw UpstreamFailure(error.description, hint: error.hint, isFinal: true)
        } catch {
            throw UpstreamFailure("\(error)", hint: "Check ssh_config and the known hosts.", isFinal: true)
        }
    }

    private func credentials(
        _ configuration: SSHConfiguration, _ proof: Proof, _ answers: AnswersOfAttempt
    ) async throws -> [SSHCredential] {
        let who = "\(configuration.user)@\(configuration.hostName)"
        switch proof {
        case .password(let password):
            return [.password(Array(password.utf8))]
        case .identity(let path):
            guard let content = LocalFile.content(path) else {
                throw UpstreamFailure(
                    "The key file \(path) cannot be read.", hint: "Check its path and permissions.", isFinal: true)
            }
            return [.privateKey(try key(content, path, answers))]
        case .agent:
            guard let socket = configuration.agentSocket else {
                throw UpstreamFailure(
                    "SSH_AUTH_SOCK is not set: there is no agent.", hint: "Start one with: eval \"$(ssh-agent)\"",
                    isFinal: true)
            }
            return [.agent(SSHAgentClient(socketPath: socket))]
        case .configuration:
            var credentials: [SSHCredential] = []
            if configuration.usesPublicKeys {
                let identities = try configuration.identities { path in
                    answers.secret("Passphrase of \(path)").map { Array($0.utf8) }
                }
                credentials += identities.compactMap { try? $0.key.get() }.map { .privateKey($0) }
                if !configuration.usesIdentitiesOnly, let socket = configuration.agentSocket {
                    credentials.append(.agent(SSHAgentClient(socketPath: socket)))
                }
            }
            guard !configuration.isBatchMode, PersonTerminal.asks else { return credentials }
            return credentials + [
                .keyboardInteractive { prompt in
                    prompt.questions.map { question in
                        answers.secret("\(DisplayText.neutralise(question.text, limit: 200)) (\(who))") ?? ""
                    }
                }
            ]
        }
    }

    private func key(
        _ content: [UInt8], _ path: String, _ answers: AnswersOfAttempt
    ) throws(UpstreamFailure) -> SSHPrivateKey {
        do throws(SSHKeyError) {
            do throws(SSHKeyError) {
                return try SSHPrivateKey(file: content)
            } catch {
                guard error.code == .passphraseRequired, let secret = answers.secret("Passphrase of \(path)") else {
                    throw error
                }
                return try SSHPrivateKey(file: content, passphrase: Array(secret.utf8))
            }
        } catch {
            throw UpstreamFailure("\(path): \(error.description)", hint: error.hint, isFinal: true)
        }
    }

    private static func isConfirmed(_ question: HostKeyQuestion) -> Bool {
        PersonTerminal.error("The key of \(question.endpoint) (\(question.remoteAddress)) is not known:")
        PersonTerminal.error("\(question.publicKey.algorithm) \(question.publicKey.fingerprint)")
        for line in question.publicKey.randomart.split(separator: "\n") { PersonTerminal.error(String(line)) }
        return PersonTerminal.confirms("Is this the host's key?")
    }
}
