import NIOCore
import SFTP
import SSH

/// `engine-bench files … put|get SOURCE TARGET` and `files … list FOLDER`: what `sftp -b` does with one command.
enum FileTransfers {
    static func run(_ arguments: Arguments, on eventLoop: any EventLoop) async throws {
        let client = try Client(arguments)
        let connection = try await client.connect(on: eventLoop)
        let files = try await connection.sftp()
        switch try arguments.word(0) {
        case "put": try await files.upload(arguments.word(1), to: RemotePath(try arguments.word(2)), options: options)
        case "get": try await files.download(RemotePath(try arguments.word(1)), to: arguments.word(2), options: options)
        case "list":
            var names = ""
            for try await entry in files.list(RemotePath(try arguments.word(1))) { names += "\(entry.name)\n" }
            report(names)
        default: throw UsageError("put, get or list")
        }
        await files.close()
        await connection.close()
    }

    /// As `sftp` without flags: contents only.
    private static var options: TransferOptions {
        var options = TransferOptions()
        options.preservesTimes = false
        options.preservesModes = false
        return options
    }
}
