import NIOConcurrencyHelpers
import SSH
import SSHKeys
import SSHProtocol

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The answer to a host's key: what the files know, what the configuration says about the rest, and what a person says.
struct HostKeyCheck: Sendable {
    let configuration: SSHConfiguration
    let questions: any PersonQuestions
    let log: ConnectionLog
    private let known: KnownHosts
    private let revoked: RevokedHostKeys
    private let files: [String]
    /// The key that was accepted because the user's own file has it: only such a host may bring it up to date.
    private let accepted = NIOLockedValueBox<SSHPublicKey?>(nil)

    init(_ configuration: SSHConfiguration, _ questions: any PersonQuestions, _ log: ConnectionLog) throws(Failure) {
        self.configuration = configuration
        self.questions = questions
        self.log = log
        do {
            known = try configuration.knownHosts()
            revoked = try configuration.revokedHostKeys()
            files = try configuration.userKnownHostsFiles()
        } catch {
            throw Failure(engine: error)
        }
        for problem in known.problems {
            log.debug("\(problem.path):\(problem.line): \(problem.error.description)")
        }
    }

    private var name: String { configuration.hostKeyName }
    /// An alias stands alone in the file, without a port.
    private var port: Int { configuration.place(of: .hostKeyAlias) == nil ? configuration.port : 22 }
    private var place: String { port == 22 ? name : "[\(name)]:\(port)" }

    /// The algorithms in an order in which a host proves the key that is known, where it has several.
    func preferring(_ preferences: AlgorithmPreferences) -> AlgorithmPreferences {
        guard configuration.place(of: .hostKeyAlgorithms) == nil else { return preferences }
        let names = known.preferring(preferences.hostKeys.map(\.rawValue), host: name, port: port)
        return preferences.preferring(hostKeyAlgorithms: names.compactMap { HostKeyAlgorithm(rawValue: $0) })
    }

    func verify(_ question: HostKeyQuestion) async -> HostKeyAnswer {
        let key = question.publicKey
        log.debug("The host's key: \(question.algorithm) \(key.fingerprint)")
        if !configuration.checksLocalhostKey, ["127.0.0.1", "::1"].contains(question.remoteAddress) { return .accept }
        guard !revoked.contains(question.identity) else {
            await tell(warning("THE HOST KEY OF \(place) IS REVOKED!", ["RevokedHostKeys names \(describe(key))."]))
            return .refuse(reason: "Host key verification failed: the key of \(name) is revoked.")
        }
        let verdict = known.lookup(
            host: name, port: port, offered: question.identity, now: UInt64(max(time(nil), 0)))
        switch verdict {
        case .known(let entry):
            log.debug("It is known: \(entry.place)")
            if files.contains(entry.path) { accepted.withLockedValue { $0 = key } }
            return .accept
        case .certified(let entry):
            log.debug("Its certificate is good, the authority is known: \(entry.place)")
            return .accept
        case .changed(let entries):
            await tell(changed(key, entries))
            return .refuse(
                reason: "Host key verification failed: \(name) shows another key than the one that is known.")
        case .revoked(let entry):
            await tell(warning("THE HOST KEY OF \(place) IS REVOKED!", ["\(entry.place) says so of \(describe(key))."]))
            return .refuse(reason: "Host key verification failed: the key of \(name) is revoked (\(entry.place)).")
        case .badCertificate(let error, let entry):
            return .refuse(
                reason: "Host key verification failed: \(error.description) Its authority stands in \(entry.place).")
        case .unknown:
            return await decide(new: question)
        }
    }

    // MARK: A key that nobody knows

    private func decide(new question: HostKeyQuestion) async -> HostKeyAnswer {
        let key = question.publicKey
        switch configuration.hostKeyChecking {
        case .strict:
            return .refuse(
                reason: "Host key verification failed: no \(key.typeName) key is known for \(place), "
                    + "and StrictHostKeyChecking is on. It shows \(key.fingerprint).")
        case .ask:
            guard !configuration.isBatchMode, await isAccepted(question) else {
                return .refuse(reason: "Host key verification failed: the key of \(place) was not accepted.")
            }
        case .acceptNew, .off:
            break
        }
        record(key)
        return .accept
    }

    private func isAccepted(_ question: HostKeyQuestion) async -> Bool {
        let key = question.publicKey
        let address = question.remoteAddress
        let host = address.isEmpty || address == name || address == "0.0.0.0" ? place : "\(place) (\(address))"
        let shown = configuration.usesMD5Fingerprints ? key.md5Fingerprint : key.fingerprint
        var text =
            "The authenticity of host '\(host)' can't be established.\n\(key.typeName) key fingerprint is \(shown).\n"
        if configuration.showsHostKeyPicture { text += key.randomart + "\n" }
        let others = known.entries.filter { $0.key == key && $0.marker == .none }.map {
            "    \($0.place): \($0.hosts.isHashed ? "[hashed name]" : $0.hosts.text)"
        }
        text +=
            others.isEmpty
            ? "This key is not known by any other names.\n"
            : "This host key is known by the following other names/addresses:\n" + others.joined(separator: "\n") + "\n"
        var prompt = text + "Are you sure you want to continue connecting (yes/no/[fingerprint])? "
        while let answer = await questions.answer(PersonPrompt(.hostKey, prompt, isShown: true)) {
            let word = answer.drop { $0 == " " }.prefix { $0 != " " && $0 != "\r" }
            if word.lowercased() == "yes" || word == shown || word == key.fingerprint { return true }
            if word.lowercased() == "no" { return false }
            prompt = "Please type 'yes', 'no' or the fingerprint: "
        }
        return false
    }

    private func record(_ key: SSHPublicKey) {
        guard let path = files.first else { return }
        do throws(SSHKeyError) {
            Self.makeFolder(of: path)
            try KnownHostsFile(path: path).add(
                host: name, port: port, key: key, isHashed: configuration.hashesKnownHosts)
            log.say("Warning: Permanently added '\(place)' (\(key.typeName)) to the list of known hosts.")
        } catch {
            // As in OpenSSH, a file that cannot be written does not keep anybody out: the next time asks again.
            log.say("Failed to add the host to the list of known hosts (\(path)): \(error.description)")
        }
    }

    private static func makeFolder(of path: String) {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return }
        mkdir(String(path[..<slash]), 0o700)
    }

    // MARK: A key that is another one

    private func changed(_ key: SSHPublicKey, _ entries: [KnownHosts.Entry]) -> String {
        var lines = [
            "SOMEBODY MAY BE LISTENING: the host, or whoever answers in its place, shows another key than the one that is",
            "on record. It is also possible that the host was set up anew.",
            "The fingerprint of the \(key.typeName) key sent by the host is", "\(key.fingerprint).",
            "Ask the host's administrator, by another way, whether this is the right one.",
        ]
        lines += entries.map { "Offending \($0.key.typeName) key in \($0.place)" }
        if let entry = entries.first {
            lines += ["If it is, remove the old one with:", "  ssh-keygen -f '\(entry.path)' -R '\(place)'"]
        }
        if configuration.showsHostKeyPicture { lines.append(key.randomart) }
        return warning("WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!", lines)
    }

    private func warning(_ headline: String, _ lines: [String]) -> String {
        let bar = String(repeating: "@", count: 59)
        let gap = String(repeating: " ", count: max(1, 53 - headline.count))
        return ([bar, "@    \(headline)\(gap)@", bar] + lines).joined(separator: "\n")
    }

    private func describe(_ key: SSHPublicKey) -> String { "the \(key.typeName) key \(key.fingerprint)" }

    private func tell(_ text: String) async {
        // Said even with -q: it is why nothing works.
        log.say(text, .quiet)
    }

    // MARK: Further keys of the host

    /// What the files have of this host.
    var keysOnRecord: Set<SSHPublicKey> {
        Set(known.entries(ofHost: name, port: port).filter { $0.marker == .none }.map(\.key))
    }

    /// What to do with the keys that the host proves beside the one in use; nil when it is not to be asked for them.
    func learning() -> (@Sendable ([SSHPublicKey]) -> Void)? {
        guard configuration.updatesHostKeys == "true", let path = files.first, path != "/dev/null" else { return nil }
        return { [self] keys in learn(keys, path) }
    }

    private func learn(_ proved: [SSHPublicKey], _ path: String) {
        guard let current = accepted.withLockedValue({ $0 }) else { return }
        let lines = known.entries(ofHost: name, port: port)
        // Lines of other files, patterns and authorities are somebody's own arrangement.
        guard !lines.isEmpty, lines.allSatisfy({ $0.path == path && $0.marker == .none }) else { return }
        let keys = [current] + proved.filter { $0 != current }
        let old = lines.map(\.key)
        guard Set(keys) != Set(old) else { return }
        for key in keys where !old.contains(key) { log.debug("Learned a new key of the host: \(describe(key))") }
        for key in old where !keys.contains(key) { log.debug("The host gave up \(describe(key))") }
        do throws(SSHKeyError) {
            try KnownHostsFile(path: path).update(
                host: name, port: port, keys: keys, isHashed: lines.contains { $0.hosts.isHashed })
        } catch {
            log.debug("The known hosts could not be brought up to date: \(error.description)")
        }
    }
}
