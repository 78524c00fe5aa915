import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import ServiceLifecycle

/// The listening server around a table of routes: TLS, the checks that every request passes, the page's files.
struct HTTPService: Service {
    /// How often the certificate's files are looked at.
    private static let certificateInterval: Duration = .seconds(5)

    let configuration: WebConfiguration
    let routes: RouteTable
    let cookies: CookieNames
    let group: any EventLoopGroup
    let logger: Logger

    /// - Throws: `WebServerError` when the configuration cannot be served.
    func run() async throws {
        let certificate = try makeCertificate()
        let connection = ConnectionChannel(
            responder: makeResponder(try makeRouter()), certificate: certificate,
            connections: OpenConnections(limits: configuration.limits), limits: configuration.limits)
        let listener = try await Listener.bind(configuration, connection: connection, group: group, logger: logger)
        if let address = listener.localAddress { await configuration.onListening?(address) }
        guard let certificate else { return try await listener.run() }
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { await watch(certificate) }
            // Not in a child task: the end of the listener is the end of the service.
            try await listener.run()
            tasks.cancelAll()
        }
    }

    private func makeCertificate() throws -> TLSCertificate? {
        switch configuration.transport {
        case .cleartext:
            guard Self.isLoopback(configuration.address) else {
                throw WebServerError(
                    .cleartextBeyondLoopback,
                    "Without TLS this server listens on a loopback address only, and \(configuration.address) is none.",
                    hint: "Leave out --http, or listen on 127.0.0.1.")
            }
            return nil
        case .tls(let certificate, let key):
            try CertificateFile(certificatePath: certificate, keyPath: key).prepare(names: configuration.names)
            return try TLSCertificate(certificatePath: certificate, keyPath: key)
        }
    }

    private func makeRouter() throws -> RouterResponder<WebRequestContext> {
        let router = Router(context: WebRequestContext.self, options: [.autoGenerateHeadEndpoints])
        router.add(middleware: AnswerHeaders(isEncrypted: configuration.isEncrypted))
        router.add(middleware: ErrorAnswers(routes: routes))
        let origins = try OwnOrigins(names: configuration.names, isEncrypted: configuration.isEncrypted)
        router.add(
            middleware: RequestGate(origins: origins, cookies: cookies) { [routes] in routes.takesBytes($0) })
        if let folder = configuration.pageFolder {
            router.add(middleware: PageAnswers(files: try PageFiles(folder: folder)))
        }
        routes.install(in: router)
        return router.buildResponder()
    }

    private func makeResponder(_ responder: RouterResponder<WebRequestContext>) -> HTTPChannelHandler.Responder {
        { [logger] request, writer, channel in
            let context = WebRequestContext(channel: channel, logger: logger)
            var response: Response
            do {
                response = try await responder.respond(to: request, context: context)
            } catch let error as HTTPParserError {
                throw error
            } catch {
                response = Response(status: .internalServerError)
            }
            // Errors, too, have no body here: it would be taken for the next response (RFC 9110 §9.3.2).
            if request.method == .head { response = response.createHeadResponse() }
            response.headers[.date] = HTTPDate.now()
            context.logger.debug(
                "\(request.method.rawValue) \(request.uri.path)", metadata: ["status": "\(response.status.code)"])
            do {
                try await writer.write(response: response.head, body: response.body)
            } catch is HTTPParserError {
                // The response has begun: a second one, for the error, must not follow it.
                throw ChannelError.inputClosed
            }
        }
    }

    private func watch(_ certificate: TLSCertificate) async {
        while !Task.isCancelled {
            try? await Task.sleep(for: Self.certificateInterval)
            certificate.reloadIfChanged(logger: logger)
        }
    }

    private static func isLoopback(_ address: String) -> Bool {
        if address.lowercased() == "localhost" { return true }
        guard let bytes = Authority(address.contains(":") ? "[\(address)]" : address)?.addressBytes else {
            return false
        }
        return bytes.count == 4 ? bytes[0] == 127 : bytes == Array(repeating: 0, count: 15) + [1]
    }
}

/// The Date field of RFC 9110 §5.6.7.
enum HTTPDate {
    static func now() -> String { text(time(nil)) }

    static func text(_ seconds: time_t) -> String {
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        var seconds = seconds
        var parts = tm()
        gmtime_r(&seconds, &parts)
        let day = days[Int(parts.tm_wday) % 7]
        let month = months[Int(parts.tm_mon) % 12]
        let clock = [parts.tm_hour, parts.tm_min, parts.tm_sec].map { twoDigits($0) }.joined(separator: ":")
        return "\(day), \(twoDigits(parts.tm_mday)) \(month) \(1900 + Int(parts.tm_year)) \(clock) GMT"
    }

    private static func twoDigits(_ number: Int32) -> String { (number < 10 ? "0" : "") + String(number) }
}
