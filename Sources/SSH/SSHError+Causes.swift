// Each failure's sentence and cure, in one place.

import NIOCore
import SSHProtocol

extension SSHError {
    static func hostNotFound(_ endpoint: SSHEndpoint, _ why: String) -> SSHError {
        SSHError(
            .hostNotFound, "No address was found for \(shown(endpoint.host)): \(why).",
            hint: "Check the spelling of the host's name, and that this machine's DNS knows it.")
    }

    static func resolutionTimeout(_ endpoint: SSHEndpoint) -> SSHError {
        SSHError(
            .hostNotFound, "The name service did not answer in time for \(shown(endpoint.host)).",
            hint: "Check this machine's DNS, or use the host's IP address.")
    }

    static func invalidPort(_ endpoint: SSHEndpoint) -> SSHError {
        SSHError(
            .connectionFailed, "\(endpoint.port) is not a port number.", hint: "Use a port between 1 and 65535.")
    }

    static func addressNotAllowed(_ endpoint: SSHEndpoint, _ addresses: [SocketAddress]) -> SSHError {
        let list = addresses.compactMap(\.ipAddress).joined(separator: ", ")
        return SSHError(
            .addressNotAllowed, "\(shown(endpoint.host)) is at \(list), where connections are not allowed.",
            hint: "Ask an administrator to allow this address if it is meant to be reached.")
    }

    static let cancelled = SSHError(
        .cancelled, "The connection was given up before it stood.", hint: "Try again when you want it.")

    static let shuttingDown = SSHError(
        .internalError, "The program is shutting down.", hint: "Try again when it has started again.")

    static let tooManyChannels = SSHError(
        .tooManyChannels, "The connection already carries as many channels as it may.",
        hint: "Close a channel or open another connection.")

    static let gaveUp = SSHError(.cancelled, "The task was cancelled.", hint: "Try again when you want it.")

    static func forwardRefused(_ what: String) -> SSHError {
        SSHError(
            .forwardRefused, "The host refused to listen on \(shown(what)).",
            hint: "The port may be taken or privileged, or the host's SSH server may not allow remote forwarding.")
    }

    static func listenFailed(_ what: String, _ error: any Error) -> SSHError {
        // Not the name of the call that failed.
        let why = (error as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "\(error)"
        return SSHError(
            .listenFailed, "Listening on \(shown(what)) failed: \(shown(why)).",
            hint: "Choose another port or path, or stop what uses it.")
    }

    static let channelClosed = SSHError(
        .channelClosed, "The channel is already closed.", hint: "Open a new one.")

    static let connectionClosed = SSHError(
        .connectionClosed, "The connection was closed at this end.", hint: "Open a new one.")

    static func channelRefused(_ reason: UInt32, _ words: String, name: String) -> SSHError {
        // RFC 4254 §5.1
        let why =
            switch reason {
            case 1: "the host prohibits it"
            case 2: "the host could not connect"
            case 3: "the host does not know that kind of channel"
            case 4: "the host is short of resources"
            default: "reason \(reason)"
            }
        let text = DisplayText.neutralise(words, limit: 200)
        var error = SSHError(
            .channelRefused, "The host refused to open \(name): \(why)\(text.isEmpty ? "" : " (\(text))").",
            hint: name == "a session"
                ? "The host may limit sessions on one connection (MaxSessions); close one or connect again."
                : "The host may not reach the target, or its SSH server may not allow forwarding.")
        error.refusal = SSHChannelRefusal(reason: ChannelRefusal(rawValue: reason), words: words)
        return error
    }

    static func requestRefused(_ what: String) -> SSHError {
        SSHError(
            .requestRefused, "The host refused to start \(what).",
            hint: "The account may be limited to certain commands or have no terminal; ask the host's administrator.")
    }

    /// What a failed TCP connection means.
    static func connect(_ error: any Error, _ endpoint: SSHEndpoint, _ address: SocketAddress) -> SSHError {
        let place = place(endpoint, address)
        if case ChannelError.connectTimeout? = error as? ChannelError { return connectTimeout(place) }
        guard let io = error as? IOError else {
            if let known = error as? SSHError { return known }
            return SSHError(
                .connectionFailed, "Connecting to \(place) failed: \(shown(String(describing: error))).",
                hint: "Check the address and the network between.")
        }
        switch io.errnoCode {
        case ECONNREFUSED:
            return SSHError(
                .connectionRefused, "\(place) refused the connection: nothing listens on that port.",
                hint: "Check the port, and that the SSH server on the host is running.")
        case ETIMEDOUT:
            return connectTimeout(place)
        case ENETUNREACH, EHOSTUNREACH, ENETDOWN, EHOSTDOWN:
            return SSHError(
                .unreachable, "There is no way from here to \(place).",
                hint: "Check the address, this machine's network, and routes or VPN.")
        case EACCES, EPERM:
            return SSHError(
                .unreachable, "This machine's own rules forbid connecting to \(place).",
                hint: "Check the firewall of this machine.")
        case ECONNRESET, ECONNABORTED:
            return SSHError(
                .connectionLost, "\(place) broke off the connection at once.",
                hint: "A firewall or the host's connection limit may be the reason; try again.")
        default:
            return SSHError(
                .connectionFailed, "Connecting to \(place) failed: \(io.description).",
                hint: "Check the address and the network between.")
        }
    }

    /// "web-1 (192.0.2.7) port 22", or the address alone where that is what was asked for.
    private static func place(_ endpoint: SSHEndpoint, _ address: SocketAddress) -> String {
        let port = address.port ?? endpoint.port
        guard let ip = address.ipAddress, ip != endpoint.host else { return "\(shown(endpoint.host)) port \(port)" }
        return "\(shown(endpoint.host)) (\(ip)) port \(port)"
    }

    static func connectTimeout(_ endpoint: SSHEndpoint) -> SSHError {
        connectTimeout("\(shown(endpoint.host)) port \(endpoint.port)")
    }

    private static func connectTimeout(_ place: String) -> SSHError {
        SSHError(
            .connectionTimeout, "\(place) did not answer in time.",
            hint: "Check the address, and that no firewall drops the packets; the host may be down.")
    }

    /// Any error that a future of this module may carry.
    init(any error: any Error) {
        switch error {
        case let known as SSHError: self = known
        case let known as ProtocolError: self.init(known)
        case is CancellationError: self = .cancelled
        case let known as ChannelError where known == .ioOnClosedChannel || known == .alreadyClosed:
            self.init(ProtocolError.streamEnded)
        case let io as IOError:
            self.init(
                .connectionLost, "The connection broke: \(io.description).", hint: "Connect again.")
        default:
            self.init(
                .internalError, "An unexpected failure: \(Self.shown(String(describing: error))).",
                hint: "Please report this.")
        }
    }

    /// What the core's reason for ending means to people.
    init(_ error: ProtocolError) {
        let (code, hint) = Self.meaning(of: error.code)
        self.init(code, error.description, hint: hint, offeredMethods: error.offeredMethods)
        mismatch = error.mismatch
    }

    private static func meaning(of code: ProtocolError.Code) -> (Code, String) {
        switch code {
        case .notSSH:
            (.notSSH, "Check the port: another service seems to listen there.")
        case .versionNotSupported:
            (.versionNotSupported, "The host's SSH server is too old; it needs to speak SSH 2.")
        case .malformed, .unexpectedMessage, .channelViolation, .limitExceeded:
            (.protocolError, "The host's SSH server breaks the protocol; report it with the server's version.")
        case .integrity:
            (.integrityFailure, "Data was altered on the way, or the host's server is faulty; connect again.")
        case .noCommonAlgorithm:
            (.noCommonAlgorithm, "Bring the host's SSH server up to date, or enable one of our algorithms there.")
        case .keyExchangeFailed:
            (.keyExchangeFailed, "Somebody may be between you and the host, or its server is faulty.")
        case .hostKeyRefused:
            (.hostKeyRefused, "Compare the fingerprint with what the host's owner tells you over another way.")
        case .hostKeyChangedOnRekey:
            (.hostKeyChanged, "Somebody may be between you and the host. Do not connect until its owner explains it.")
        case .authenticationFailed:
            (.authenticationFailed, "Check the user name and the credential, and what the host allows.")
        case .disconnectedByPeer:
            (.disconnected, "The host's own log says more; try again later.")
        case .handshakeTimeout:
            (.handshakeTimeout, "The host may be overloaded, or the port belongs to another service.")
        case .keepaliveTimeout:
            (.keepaliveTimeout, "The host or the network between went away; connect again when it is back.")
        case .idleTimeout:
            (.connectionClosed, "Nothing was sent for too long; open a new connection when it is needed.")
        case .connectionLost:
            (.connectionLost, "The host or its SSH server may have been stopped; connect again.")
        case .closedByOwner:
            (.connectionClosed, "Open a new connection.")
        case .internalFailure:
            (.internalError, "Please report this.")
        }
    }

    private static func shown(_ text: String) -> String { DisplayText.neutralise(text, limit: 253) }
}

extension ProtocolError {
    static let streamEnded = ProtocolError(
        .connectionLost, "The connection to the host broke off.", reason: .connectionLost)
}

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif
