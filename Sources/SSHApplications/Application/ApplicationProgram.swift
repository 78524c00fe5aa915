import SSH

/// An application as a whole program, which stands behind either server:
///
///     hello --listen 2222 --host-key FILE --keys FILE     a server of its own, until SIGTERM
///     hello [WORDS]                                       one visit, on the standard streams
///
/// With `--listen` come `--address` (127.0.0.1), `--keys FILE` or `--socket PATH` as for `copilot dispatch`, and
/// `--unknown-keys refuse` or `greet`.
public enum ApplicationProgram {
    /// Runs it to its end and returns the exit status.
    ///
    /// ```swift
    /// exit(await ApplicationProgram.run(Hello(), name: "hello"))
    /// ```
    public static func run(_ application: any SSHApplication, name: String) async -> Int32 {
        await run(name: name) { _ in application }
    }

    /// The same for an application with options of its own.
    ///
    /// - Parameter make: Takes them off the command line.
    public static func run(
        name: String, _ make: (inout ProgramArguments) async throws -> any SSHApplication
    ) async -> Int32 {
        do {
            var arguments = try ProgramArguments()
            let application = try await make(&arguments)
            if let port = try arguments.take("--listen") {
                try await listen(application, name: name, port: port, &arguments)
                return 0
            }
            return await StandardVisit.serve(application, name: name, words: try arguments.words)
        } catch {
            let failure = error as? ApplicationFailure ?? ApplicationFailure(any: error)
            ProcessStreams.say("\(name): \(failure.kind.words): \(failure.description)\n  \(failure.hint)\n")
            return Int32(failure.kind.rawValue)
        }
    }

    private static func listen(
        _ application: any SSHApplication, name: String, port: String, _ arguments: inout ProgramArguments
    ) async throws {
        guard let number = Int(port), (0...65535).contains(number) else {
            throw ApplicationFailure.usage("--listen takes a port.", hint: "--listen 2222")
        }
        let address = try arguments.take("--address") ?? "127.0.0.1"
        guard let file = try arguments.take("--host-key") else {
            throw ApplicationFailure.usage(
                "A server needs a host key.", hint: "ssh-keygen -t ed25519 -N '' -f FILE, then --host-key FILE")
        }
        let door = try door(&arguments)
        if let word = try arguments.words?.first {
            throw ApplicationFailure.usage("A server takes no command (“\(word)”).", hint: "Leave it out.")
        }
        let key = try SSHPrivateKey(file: try ProcessStreams.contents(of: file), passphrase: nil)
        let server = try await SSHServer.start(
            on: .tcp(host: address, port: number),
            configuration: SSHServerConfiguration(hostKeys: [HostKey(privateKey: key)]),
            handlers: door.handlers(serving: application, name: name))
        ProcessStreams.say("\(name) listens on \(address) port \(server.port)\n")
        await ProcessStreams.waitForTermination()
        await server.shutdown(grace: .seconds(2))
    }

    private static func door(_ arguments: inout ProgramArguments) throws -> ApplicationDoor {
        let unknown = try arguments.take("--unknown-keys") ?? "refuse"
        guard let unknownKeys = ApplicationDoor.UnknownKeys(rawValue: unknown) else {
            throw ApplicationFailure.usage("--unknown-keys takes refuse or greet.", hint: "Leave it out to refuse.")
        }
        switch (try arguments.take("--keys"), try arguments.take("--socket")) {
        case (let path?, nil): return ApplicationDoor(keys: KeyFile(path: path), unknownKeys: unknownKeys)
        case (nil, let path?): return ApplicationDoor(keys: KeySocket(path: path), unknownKeys: unknownKeys)
        default:
            throw ApplicationFailure.usage(
                "Keys are looked up in one place: a file or the copilot's socket.",
                hint: "Give --keys FILE or --socket PATH.")
        }
    }
}

extension ApplicationFailure {
    /// What the floors below say.
    init(any error: any Error) {
        switch error {
        case let error as SSHError: self.init(.temporary, error.description, hint: error.hint)
        case let error as SSHKeyError: self.init(.usage, error.description, hint: error.hint)
        case let error as DispatchError: self.init(error)
        default: self.init(.failed, "Something unexpected went wrong: \(error)", hint: "Try again.")
        }
    }
}
