import ArgumentParser
import Foundation
import Gateway
import GatewaySSH
import GatewayWeb
import Logging
import NIOCore
import NIOPosix
import SSHTools
import ServiceLifecycle
import UnixSignals

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Start the copilot: the page, the API and the live sessions.",
        discussion: """
            Everything that is missing (folders, keys, database, certificate) is made at the first start. While there \
            is no admin, a link to become the first one is printed; it is good once, for 15 minutes. SIGINT and \
            SIGTERM end the sessions in order. A flag wins over the environment (COPILOT_…), the environment over the \
            file.

            EXAMPLE
              copilot serve --listen 10.0.0.7 --names copilot.example.net \\
                --tls-certificate /etc/copilot/tls.pem --tls-key /etc/copilot/tls.key
            """)

    @OptionGroup(title: "Where things are kept") var keeping: KeepingOptions
    @OptionGroup(title: "How it is reached") var serving: ServingOptions

    func run() async throws {
        try await Failure.reported {
            CoreDumps.forbid()
            try await Self.serve(try keeping.settings(serving)) { settings, gateway, port in
                await Greeting(settings: settings, gateway: gateway).say(port: port)
            }
        }
    }

    /// Runs a copilot until it is told to stop.
    /// - Parameter greet: what the person reads when it listens, with the port that it took.
    static func serve(
        _ settings: Configuration, greet: @escaping @Sendable (Configuration, Gateway, Int?) async -> Void
    ) async throws {
        let logger = Self.logger(settings)
        let loops = MultiThreadedEventLoopGroup.singleton
        let gateway = try await Gateway.open(
            settings, environment: ProcessInfo.processInfo.environment, loops: loops, logger: logger)
        let web = WebServer(
            configuration: Self.web(settings) { address in
                gateway.agents.listens(at: settings.address(boundPort: address.port))
                await greet(settings, gateway, address.port)
            },
            gateway: gateway, group: loops, logger: logger)
        // Stopped from the last to the first: nobody new comes in while the sessions end.
        var services: [any Service] = [Sitting(gateway: gateway), web]
        if let path = settings.dispatchSocket {
            let lookups = try await KeyLookupSocket.listen(
                at: path, people: gateway.people, accounts: settings.dispatchAccounts, on: loops, logger: logger)
            services.append(Answering(lookups: lookups))
        }
        if let door = try await Self.door(settings, gateway, loops, logger) {
            PersonTerminal.print("Plain ssh is at port \(door.port) of \(settings.sshBind)")
            services.append(Letting(door: door))
        }
        services.append(Waking(agents: gateway.agents))
        let group = ServiceGroup(
            configuration: .init(
                services: services.map {
                    .init(service: $0, failureTerminationBehavior: .gracefullyShutdownGroup)
                },
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        try await group.run()
    }

    /// The SSH port. At its default place it gives way to whoever is there already: the page is worth more than the port.
    private static func door(
        _ settings: Configuration, _ gateway: Gateway, _ loops: any EventLoopGroup, _ logger: Logger
    ) async throws -> SSHDoor? {
        guard !settings.noSSH else { return nil }
        do throws(GatewayError) {
            return try await SSHDoor.open(settings, gateway: gateway, group: loops, logger: logger)
        } catch {
            guard error.code == "listen_failed", !settings.isSSHPortChosen else { throw error }
            logger.warning("There is no SSH port: \(error.error) \(error.hint)")
            return nil
        }
    }

    private static func logger(_ settings: Configuration) -> Logger {
        var logger = Logger(label: "copilot") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = Logger.Level(rawValue: settings.logLevel) ?? .info
        return logger
    }

    private static func web(
        _ settings: Configuration, onListening: @escaping @Sendable (SocketAddress) async -> Void
    ) -> WebConfiguration {
        let transport: WebConfiguration.Transport =
            if settings.http {
                .cleartext
            } else if let files = settings.tls {
                .tls(certificate: files.certificate, key: files.key)
            } else {
                .tls(
                    certificate: settings.tlsFolder + "/certificate.pem", key: settings.tlsFolder + "/key.pem")
            }
        return WebConfiguration(
            address: settings.listen, port: settings.port, transport: transport, names: settings.acceptedNames,
            pageFolder: settings.pageFolder(executable: Executable.path), version: Copilot.version,
            onListening: onListening)
    }
}

/// The live sessions as a service: a graceful stop ends them in order.
private struct Sitting: Service {
    let gateway: Gateway

    func run() async throws {
        try await cancelWhenGracefulShutdown { try await gateway.run() }
    }
}

/// The lookups of `copilot dispatch` as a service.
private struct Answering: Service {
    let lookups: KeyLookupSocket

    func run() async throws {
        try? await gracefulShutdown()
        await lookups.close()
    }
}

/// Agents wait for people and commands, for minutes: the first thing at a stop is that they wait no longer.
private struct Waking: Service {
    let agents: AgentService

    func run() async throws {
        try? await gracefulShutdown()
        agents.endWaits()
    }
}

/// The SSH port as a service: who is in is told before the sessions end.
private struct Letting: Service {
    let door: SSHDoor

    func run() async throws {
        try? await gracefulShutdown()
        await door.shutdown()
    }
}

/// What a person reads when the copilot has started. The link's secret goes to standard output alone, never to a log.
private struct Greeting: Sendable {
    let settings: Configuration
    let gateway: Gateway

    func say(port: Int?) async {
        let address = settings.address(boundPort: port)
        PersonTerminal.print("SSH Copilot is at \(address)")
        do {
            guard let token = try await gateway.people.firstAdminToken() else { return }
            PersonTerminal.print(
                "There is no admin yet. Open this link within 15 minutes to become the first; it works once:")
            PersonTerminal.print("  \(address)/#/welcome?token=\(token)")
        } catch {
            PersonTerminal.error("copilot: no sign-in link could be made: \(error)")
        }
    }
}
