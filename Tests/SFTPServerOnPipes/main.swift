// The server core on standard input and output, as sshd starts its sftp-server. For the tests alone.
//
//     SFTPServerOnPipes ROOT [read-only]

import NIOCore
import NIOPosix
import SFTP

let arguments = CommandLine.arguments
guard arguments.count >= 2 else {
    throw SFTPError(.localFile, "No folder was named.", hint: "Name the folder to serve.")
}
let files = try RootedFileSystem(root: arguments[1])
var configuration = SFTPServerConfiguration()
configuration.isReadOnly = arguments.dropFirst(2).contains("read-only")
let settings = configuration

let channel = try await NIOPipeBootstrap(group: MultiThreadedEventLoopGroup.singleton)
    .channelOption(.allowRemoteHalfClosure, value: true)
    .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(
                SFTPServerHandler(fileSystem: files, configuration: settings))
        }
    }
    .takingOwnershipOfDescriptors(input: 0, output: 1).get()
try await channel.closeFuture.get()
