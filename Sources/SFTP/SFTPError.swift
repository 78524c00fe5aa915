// The one error of this module.

import SSH

/// Why something about files failed: a code for machines, a sentence for people, and what to do next.
public struct SFTPError: Error, Sendable, Hashable {
    /// Stable strings; `rawValue` is what an API may show.
    public enum Code: String, Sendable, Hashable, CaseIterable {
        case noSuchFile = "no_such_file"
        case permissionDenied = "permission_denied"
        case failure = "failure"
        case badMessage = "bad_message"
        case unsupported = "unsupported"
        case endOfFile = "end_of_file"
        case connectionLost = "connection_lost"
        case subsystemRefused = "subsystem_refused"
        case protocolError = "protocol_error"
        case unsafeName = "unsafe_name"
        case resumeMismatch = "resume_mismatch"
        case fileChanged = "file_changed"
        case localFile = "local_file"
        case closed = "closed"
        case cancelled = "cancelled"
    }

    public var code: Code
    /// What happened and why, in one sentence. No control character from the peer.
    public var description: String
    /// What to do next.
    public var hint: String
    /// The file it is about, at the server or on this machine; nil when it is about none. Harmless to show.
    public var path: String?
    /// What the server answered, when it did.
    public var status: SFTPStatus?

    public init(_ code: Code, _ description: String, hint: String, path: String? = nil, status: SFTPStatus? = nil) {
        self.code = code
        self.description = description
        self.hint = hint
        self.path = path
        self.status = status
    }
}

extension SFTPError: CustomStringConvertible {}

extension SFTPError {
    /// What a server's status means for a request about `path`.
    static func status(_ status: SFTPStatus, _ path: RemotePath?) -> SFTPError {
        let words = DisplayText.neutralise(status.message, limit: 200)
        let (code, hint): (Code, String) =
            switch status.code {
            case .noSuchFile: (.noSuchFile, "Check the path; relative paths begin in the account's home.")
            case .permissionDenied: (.permissionDenied, "Ask for permission on this file, or use another account.")
            case .endOfFile: (.endOfFile, "There is nothing more to read.")
            case .unsupported: (.unsupported, "This server does not do that; do it by a command or another way.")
            case .badMessage: (.badMessage, "Check the path for characters or a length that the server does not take.")
            case .connectionLost, .noConnection: (.connectionLost, "Connect again.")
            case .ok, .failure:
                (.failure, "The server says no more; look whether the target exists, is full or is not empty.")
            }
        let place = path.map { "“\($0)”" } ?? "The request"
        return SFTPError(
            code, "\(place): \(words.isEmpty ? "the server refused" : words).", hint: hint, path: path?.description,
            status: status)
    }

    static func unsafeName(_ name: RemotePath, in directory: RemotePath) -> SFTPError {
        SFTPError(
            .unsafeName, "The server names a file “\(name)”, which would lead out of the folder “\(directory)”.",
            hint: "Nothing was written for it. Do not trust this server before you know why.",
            path: directory.description)
    }

    static func localFile(_ failure: SystemFailure, path: String) -> SFTPError {
        let path = DisplayText.neutralise(path)
        return SFTPError(
            .localFile, "“\(path)” on this machine: \(failure.words).",
            hint: "Check that it exists, that this account may use it, and that the disk has room.", path: path)
    }

    static func resumeMismatch(_ path: RemotePath, _ why: String) -> SFTPError {
        SFTPError(
            .resumeMismatch, "“\(path)” cannot be resumed: \(why).",
            hint: "Transfer it anew without resuming, which replaces what is there.", path: path.description)
    }

    static func fileChanged(_ path: String) -> SFTPError {
        let path = DisplayText.neutralise(path)
        return SFTPError(
            .fileChanged, "“\(path)” became shorter while it was transferred.",
            hint: "Transfer it again when nothing writes to it any more.", path: path)
    }

    static func protocolError(_ description: String) -> SFTPError {
        SFTPError(
            .protocolError, description,
            hint: "The other end does not speak SFTP version 3 correctly; the connection to it was ended.")
    }

    static func unexpected(_ path: RemotePath?) -> SFTPError {
        SFTPError(
            .protocolError, "The server's answer does not fit the request\(path.map { " about “\($0)”" } ?? "").",
            hint: "The server does not follow the protocol; use another one.", path: path?.description)
    }

    /// The account's start files wrote to the stream that belongs to SFTP: the classic mistake.
    static func strayOutput(_ text: String) -> SFTPError {
        SFTPError(
            .protocolError,
            "The server sent text instead of SFTP: “\(DisplayText.neutralise(text, limit: 80))”.",
            hint: "The account's shell start files print something; let them do so in interactive shells only.")
    }

    static let closed = SFTPError(
        .closed, "The SFTP session or the file is already closed.", hint: "Open it again.")

    static let cancelled = SFTPError(.cancelled, "It was cancelled.", hint: "Begin again when you want it; see resume.")

    static let connectionLost = SFTPError(
        .connectionLost, "The connection ended before the server answered.",
        hint: "Connect again; a transfer can be resumed.")

    static func lost(_ error: SSHError?) -> SFTPError {
        guard let error else { return .connectionLost }
        return SFTPError(.connectionLost, error.description, hint: error.hint)
    }

    static func subsystemRefused(_ error: any Error) -> SFTPError {
        let ssh = error as? SSHError
        return SFTPError(
            .subsystemRefused, ssh?.description ?? "The host refused to start SFTP.",
            hint: "The host may have no “Subsystem sftp” line in its sshd_config; try scp or a command.")
    }

    static func unsupported(_ what: SFTPExtension) -> SFTPError {
        SFTPError(
            .unsupported, "The server does not have the extension \(what.rawValue).",
            hint: "It needs OpenSSH's server or another that has it.")
    }
}
