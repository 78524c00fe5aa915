import Foundation
import Logging
import NIOConcurrencyHelpers
import NIOSSL

/// The server's certificate and key, and the TLS 1.3 context made of them.
///
/// The files are read again when they change, so that a renewed certificate is used from the next connection on and
/// open connections go on undisturbed.
final class TLSCertificate: Sendable {
    private struct State {
        var context: NIOSSLContext
        var version: FileVersion
    }

    /// What tells one content of the two files from another without reading them.
    private struct FileVersion: Equatable {
        var certificate: FileStamp
        var key: FileStamp
    }

    private let certificatePath: String
    private let keyPath: String
    private let state: NIOLockedValueBox<State>

    /// - Throws: `WebServerError` with the reason when the files cannot be used.
    init(certificatePath: String, keyPath: String) throws {
        self.certificatePath = certificatePath
        self.keyPath = keyPath
        let version = Self.version(certificatePath, keyPath)
        state = NIOLockedValueBox(
            State(context: try Self.makeContext(certificatePath: certificatePath, keyPath: keyPath), version: version))
    }

    /// What the next connection uses.
    var context: NIOSSLContext { state.withLockedValue { $0.context } }

    /// Reads the files if they changed. A pair that does not fit (half of it is written, say) is left alone
    /// and tried again at the next change.
    func reloadIfChanged(logger: Logger) {
        let version = Self.version(certificatePath, keyPath)
        guard version != state.withLockedValue({ $0.version }) else { return }
        do {
            let context = try Self.makeContext(certificatePath: certificatePath, keyPath: keyPath)
            state.withLockedValue { $0 = State(context: context, version: version) }
            logger.info("The TLS certificate was read again and is used from now on.")
        } catch {
            state.withLockedValue { $0.version = version }
            logger.warning("The changed TLS certificate is not usable, the old one stays in use: \(error)")
        }
    }

    private static func version(_ certificatePath: String, _ keyPath: String) -> FileVersion {
        FileVersion(certificate: FileStamp(path: certificatePath), key: FileStamp(path: keyPath))
    }

    private static func makeContext(certificatePath: String, keyPath: String) throws -> NIOSSLContext {
        do {
            let chain = try NIOSSLCertificate.fromPEMFile(certificatePath)
            let key = try NIOSSLPrivateKey(file: keyPath, format: .pem)
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
            configuration.minimumTLSVersion = .tlsv13
            configuration.applicationProtocols = ["http/1.1"]
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw WebServerError(
                .certificateUnreadable,
                "The TLS certificate \(certificatePath) and its key \(keyPath) cannot be used: \(error).",
                hint: "Both are PEM files, the key belongs to the first certificate, and this account may read them.")
        }
    }
}

/// What changes when a file's content does: written in place or put in its place.
struct FileStamp: Equatable, Sendable {
    private var modified: Date?
    private var size: Int?
    private var number: Int?

    init(path: String) {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        modified = attributes?[.modificationDate] as? Date
        size = (attributes?[.size] as? NSNumber)?.intValue
        number = (attributes?[.systemFileNumber] as? NSNumber)?.intValue
    }
}
