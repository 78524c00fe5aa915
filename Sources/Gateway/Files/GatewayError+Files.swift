import SFTP

extension GatewayError {
    /// What went wrong with files of a host.
    init(files error: any Error) {
        switch error {
        case let error as GatewayError: self = error
        case let error as SFTPError: self.init(error)
        case is CancellationError:
            self.init(
                "cancelled", status: 503, "The transfer was cancelled.", hint: "Begin again; an upload can be resumed.")
        default: self.init(hostFailure: error)
        }
    }

    private init(_ error: SFTPError) {
        let (code, status): (String, Int) =
            switch error.code {
            case .noSuchFile: ("no_such_file", 404)
            case .permissionDenied: ("host_permission_denied", 403)
            case .failure: ("host_refused", 409)
            case .unsupported: ("not_supported_by_host", 501)
            case .subsystemRefused: ("no_sftp", 502)
            case .connectionLost, .closed: ("connection_lost", 502)
            case .resumeMismatch, .fileChanged: ("file_changed", 409)
            case .badMessage, .endOfFile, .protocolError, .unsafeName, .localFile: ("host_protocol_error", 502)
            case .cancelled: ("cancelled", 503)
            }
        self.init(code, status: status, error.description, hint: error.hint)
    }

    static func notAFile(_ path: RemotePath) -> GatewayError {
        GatewayError(
            "not_a_file", status: 409, "“\(path)” is not a regular file.",
            hint: "A folder can be listed or fetched as a zip; devices and sockets are left alone.")
    }

    static func fileExists(_ path: RemotePath) -> GatewayError {
        GatewayError(
            "file_exists", status: 409, "“\(path)” exists already.", hint: "Choose another name, or replace it.")
    }

    static func fileShrank(_ path: RemotePath) -> GatewayError {
        GatewayError(
            "file_changed", status: 409, "“\(path)” became shorter while it was read.",
            hint: "Read it again when nothing writes to it any more.")
    }
}
