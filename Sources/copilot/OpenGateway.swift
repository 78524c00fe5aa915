import Foundation
import Gateway
import Logging
import NIOPosix
import SSHTools

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The domain, opened on the data folder for one subcommand. It may run beside `copilot serve`.
struct OpenGateway {
    let gateway: Gateway
    /// Whoever may read the data folder acts as its admin, and goes on record as the command line.
    let caller: Caller

    init(_ settings: Configuration) async throws {
        var logger = Logger(label: "copilot") { StreamLogHandler.standardError(label: $0) }
        // Errors are said by the subcommand itself.
        logger.logLevel = .critical
        gateway = try await Gateway.open(
            settings, environment: ProcessInfo.processInfo.environment, loops: MultiThreadedEventLoopGroup.singleton,
            logger: logger)
        caller = Caller.commandLine(tenant: Gateway.tenant, account: Self.account)
    }

    /// Opens the domain, runs a subcommand on it, and closes its books: what was done is audited and signed.
    static func reported(
        _ settings: @autoclosure () throws -> Configuration, _ body: (OpenGateway) async throws -> Void
    ) async throws {
        try await Failure.reported {
            let open = try await OpenGateway(settings())
            do {
                try await body(open)
            } catch {
                await open.gateway.close()
                throw error
            }
            await open.gateway.close()
        }
    }

    private static var account: String {
        getpwuid(getuid()).flatMap { $0.pointee.pw_name }.map { String(cString: $0) } ?? "uid \(getuid())"
    }
}
