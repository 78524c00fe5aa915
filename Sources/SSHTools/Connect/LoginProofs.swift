import NIOConcurrencyHelpers
import NIOCore
import SSH
import SSHKeys
import SSHProtocol

/// What a person has to show a host, in the order in which OpenSSH shows it. Secrets are asked for only when it is their
/// turn and, where a key's public part is known, only after the host said that the key would do.
struct LoginProofs: Sendable {
    let configuration: SSHConfiguration
    let questions: any PersonQuestions
    let log: ConnectionLog
    let eventLoop: any EventLoop
    private let hasGivenUp = NIOLockedValueBox(false)
    private let asked = NIOLockedValueBox(0)

    init(
        _ configuration: SSHConfiguration, _ questions: any PersonQuestions, _ log: ConnectionLog,
        on eventLoop: any EventLoop
    ) {
        self.configuration = configuration
        self.questions = questions
        self.log = log
        self.eventLoop = eventLoop
    }

    /// "deploy@web-1"
    private var who: String { "\(configuration.user)@\(configuration.hostName)" }

    func credentials() async throws(Failure) -> [SSHCredential] {
        var credentials: [SSHCredential] = []
        for method in configuration.preferredAuthentications ?? ["publickey", "keyboard-interactive", "password"] {
            switch method {
            case "publickey" where configuration.usesPublicKeys:
                credentials += try await publicKeys()
            case "keyboard-interactive" where configuration.usesKeyboardInteractive && !configuration.isBatchMode:
                credentials += prompts(.keyboardInteractive { await answers(to: $0) })
            case "password" where configuration.usesPassword && !configuration.isBatchMode:
                credentials += prompts(.askedPassword { await password() })
            default:
                log.debug("authentication method \(method) is not used", .debug2)
            }
        }
        return credentials
    }

    private func prompts(_ credential: SSHCredential) -> [SSHCredential] {
        Array(repeating: credential, count: min(max(configuration.numberOfPasswordPrompts, 0), 32))
    }

    // MARK: Passwords and questions

    private func password() async -> String? {
        await ask(PersonPrompt(.password, "\(DisplayText.neutralise(who, limit: 160))'s password: ", isShown: false))
    }

    private func ask(_ prompt: PersonPrompt) async -> String? {
        guard !hasGivenUp.withLockedValue({ $0 }) else { return nil }
        let isAgain = asked.withLockedValue { asked in
            defer { asked += 1 }
            return asked > 0
        }
        if isAgain, prompt.purpose == .password { log.say("Permission denied, please try again.", .error) }
        let answer = await questions.answer(prompt)
        // Who does not want to answer is not asked the same again.
        if answer == nil { hasGivenUp.withLockedValue { $0 = true } }
        return answer
    }

    private func answers(to prompt: AuthenticationPrompt) async -> [String]? {
        for text in [prompt.name, prompt.instruction] where !text.isEmpty {
            await questions.tell(DisplayText.neutralise(text, limit: 4096, keepsLines: true))
        }
        var answers: [String] = []
        for question in prompt.questions {
            let text = DisplayText.neutralise(question.text, limit: 1024, keepsLines: true)
            // The host chose the words: who asks is said in front of them.
            let shown = "(\(DisplayText.neutralise(who, limit: 160))) \(text)"
            guard let answer = await ask(PersonPrompt(.hostQuestion, shown, isShown: question.echoes)) else {
                return nil
            }
            answers.append(answer)
        }
        return answers
    }

    /// For a host that takes the password only to have it changed.
    func newPassword(_ prompt: PasswordChangePrompt) async -> [UInt8]? {
        guard !configuration.isBatchMode else { return nil }
        let text = DisplayText.neutralise(prompt.text, limit: 4096, keepsLines: true)
        if !text.isEmpty { await questions.tell(text) }
        for _ in 1...3 {
            let first = PersonPrompt(.password, "Enter \(who)'s new password: ", isShown: false)
            let second = PersonPrompt(.password, "Retype \(who)'s new password: ", isShown: false)
            guard let new = await questions.answer(first), let again = await questions.answer(second) else {
                return nil
            }
            if new == again { return Array(new.utf8) }
            await questions.tell("Mismatch; try again.")
        }
        return nil
    }

    // MARK: Keys

    /// In OpenSSH's order: certificates, the agent's keys that a file names, its other keys, keys of files alone.
    private func publicKeys() async throws(Failure) -> [SSHCredential] {
        let files: [IdentityFile]
        let certificates: [SSHCertificate]
        do throws(SSHConfigurationError) {
            files = try configuration.identityFiles().compactMap { IdentityFile(path: $0, log: log) }
            certificates = try configuration.certificateFiles().compactMap(certificate(at:))
        } catch {
            throw Failure(error)
        }
        let agent = await agentIdentities()
        let named = Set(files.compactMap(\.publicKey))

        var result: [SSHCredential] = []
        for certificate in certificates + files.compactMap(\.certificate) where isAllowed(.certificate(certificate)) {
            let key = certificate.publicKey
            if let file = files.first(where: { $0.publicKey == key && $0.isOpenable }) {
                result.append(credential(.certificate(certificate), file))
            } else if let held = agent.first(where: { $0.identity.publicKey == key }) {
                result.append(held.signing(.certificate(certificate)))
            }
        }
        let usable = agent.filter { isAllowed($0.identity) }
        let isNamed = { (key: SSHPublicKey) in
            named.contains(key) || certificates.contains { $0.publicKey == key }
        }
        result += usable.filter { isNamed($0.identity.publicKey) }.map { $0.signing($0.identity) }
        if !configuration.usesIdentitiesOnly {
            result += usable.filter { !isNamed($0.identity.publicKey) }.map { $0.signing($0.identity) }
        }
        let held = Set(usable.map(\.identity.publicKey))
        for file in files where file.isOpenable {
            guard let key = file.publicKey else {
                // Only its passphrase shows which key it is.
                if let opened = await file.open(questions, isBatch: configuration.isBatchMode, log),
                    isAllowed(.key(opened.publicKey))
                {
                    result.append(.privateKey(opened))
                }
                continue
            }
            if !held.contains(key), isAllowed(.key(key)) { result.append(credential(.key(key), file)) }
        }
        return result
    }

    private func certificate(at path: String) -> SSHCertificate? {
        guard let certificate = IdentityFile.identity(path)?.certificate else {
            log.say("Certificate file \(path) holds no certificate.")
            return nil
        }
        return certificate
    }

    /// As `PubkeyAcceptedAlgorithms` and `RequiredRSASize` say.
    private func isAllowed(_ identity: PublicIdentity) -> Bool {
        let names = identity.signatureAlgorithms
        let allowed = configuration.algorithms(.pubkeyAcceptedAlgorithms, defaults: names, known: names)
        let isLarge = identity.publicKey.typeName != "RSA" || identity.publicKey.bits >= configuration.requiredRSABits
        if allowed.isEmpty || !isLarge { log.debug("\(identity.publicKey.fingerprint) is not allowed here") }
        return !allowed.isEmpty && isLarge
    }

    private func credential(_ identity: PublicIdentity, _ file: IdentityFile) -> SSHCredential {
        // A key that is open signs at once, without asking the host first.
        if let key = file.openKey, configuration.addsKeysToAgent == .no {
            return identity.certificate.map { .certificate($0, key) } ?? .privateKey(key)
        }
        return .external(identity) { request, _ in
            log.debug("The host takes \(identity.publicKey.typeName) \(identity.publicKey.fingerprint) (\(file.path))")
            guard let key = await file.open(questions, isBatch: configuration.isBatchMode, log) else { return nil }
            await addToAgent(key, identity.certificate, file.path)
            return try? key.sign(request.data, algorithm: request.algorithm)
        }
    }

    // MARK: The agent

    private struct HeldKey: Sendable {
        let agent: SSHAgentClient
        let identity: PublicIdentity
        let log: ConnectionLog

        /// Signs for the key, as itself or as a certificate that a file has for it.
        func signing(_ shown: PublicIdentity) -> SSHCredential {
            .external(shown) { [self] request, facts in
                log.debug("The agent signs with \(identity.publicKey.typeName) \(identity.publicKey.fingerprint)")
                return await agent.sign(request, with: identity, facts)
            }
        }
    }

    private func agentIdentities() async -> [HeldKey] {
        guard let socket = configuration.agentSocket else { return [] }
        let agent = SSHAgentClient(socketPath: socket, on: eventLoop)
        do throws(SSHAgentError) {
            let held = try await agent.identities().compactMap(\.identity)
            for identity in held {
                log.debug("agent: \(identity.publicKey.typeName) \(identity.publicKey.fingerprint)")
            }
            return held.map { HeldKey(agent: agent, identity: $0, log: log) }
        } catch {
            log.debug("no agent: \(error.description)")
            return []
        }
    }

    private func addToAgent(_ key: SSHPrivateKey, _ certificate: SSHCertificate?, _ path: String) async {
        var constraints = AgentConstraints.none
        switch configuration.addsKeysToAgent {
        case .no: return
        case .ask:
            let question = PersonPrompt(.confirmation, "Add key \(path) to the agent? (yes/no) ", isShown: true)
            guard let answer = await questions.answer(question), answer.lowercased().hasPrefix("y") else { return }
        case .yes(let lifetime, let confirms):
            constraints.lifetime = lifetime.map { UInt32(clamping: $0.components.seconds) }
            constraints.confirms = confirms
        }
        guard let socket = configuration.agentSocket else { return }
        let agent = SSHAgentClient(socketPath: socket, on: eventLoop)
        do {
            try await agent.add(AgentKey(key), comment: path, constraints: constraints)
            if let certificate {
                try await agent.add(AgentKey(key, certificate: certificate), comment: path, constraints: constraints)
            }
            log.debug("added to the agent: \(path)")
        } catch {
            log.say("Could not add identity \"\(path)\" to the agent: \(Failure(engine: error).sentence)")
        }
    }
}
