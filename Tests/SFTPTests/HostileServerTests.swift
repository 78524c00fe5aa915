import Foundation
import NIOConcurrencyHelpers
import NIOCore
import TestSupport
import Testing

@testable import SFTP

/// Our client against servers that do not keep to anything.
@Suite struct HostileServerTests {
    static let handle = SFTPHandle(bytes: [9])
    static let file = FileAttributes(size: 6, permissions: 0o100644)

    @Test("an answer to a question that nobody asked ends the session")
    func foreignNumber() async throws {
        let server = try await ScriptedFiles { _, id in [.foreign(.status(.ok), id: id &+ 1000)] }
        #expect(await sftpError { _ = try await server.client.attributes(of: "/") } == .protocolError)
        #expect(await sftpError { _ = try await server.client.attributes(of: "/") } == .protocolError)
    }

    @Test("an answer that comes twice ends the session")
    func twice() async throws {
        let server = try await ScriptedFiles { _, _ in
            [.response(.attributes(Self.file)), .response(.attributes(Self.file))]
        }
        _ = try await server.client.attributes(of: "/")
        #expect(await sftpError { _ = try await server.client.attributes(of: "/") } == .protocolError)
    }

    @Test(
        "a packet beyond the limit ends the session at its length",
        arguments: [[4, 8, 0, 0], [0xFF, 0xFF, 0xFF, 0xFF], [0, 0, 0, 0]])
    func lengths(length: [UInt8]) async throws {
        let server = try await ScriptedFiles { _, _ in [.raw(length)] }
        #expect(await sftpError { _ = try await server.client.attributes(of: "/") } == .protocolError)
    }

    @Test("an answer of the wrong kind, or cut short, is told to whoever asked")
    func wrongKind() async throws {
        let server = try await ScriptedFiles { _, _ in [.response(.handle(Self.handle))] }
        #expect(await sftpError { _ = try await server.client.attributes(of: "/") } == .protocolError)
        let cut = try await ScriptedFiles { _, id in
            [.raw([0, 0, 0, 9, MessageType.attrs.rawValue, 0, 0, 0, UInt8(id), 0, 0, 0, 1])]
        }
        #expect(await sftpError { _ = try await cut.client.attributes(of: "/") } == .protocolError)
    }

    @Test(
        "data without an end, of no bytes, or more than was asked for does not hold a download up", arguments: [0, 7])
    func data(length: Int) async throws {
        let folder = try TemporaryFolder()
        let asked = NIOLockedValueBox(0)
        let server = try await ScriptedFiles { request, _ in
            switch request {
            case .stat: return [.response(.attributes(FileAttributes(size: 1_000_000, permissions: 0o100644)))]
            case .open: return [.response(.handle(Self.handle))]
            case .read(_, _, let wanted):
                asked.withLockedValue { $0 += 1 }
                let count = length == 0 ? 0 : Int(wanted) + length
                return [.response(.data(ByteBuffer(repeating: 1, count: count)))]
            default: return [.response(.status(.ok))]
            }
        }
        #expect(
            await sftpError { try await server.client.download("/f", to: folder.file("f")) } == .protocolError)
        #expect(asked.withLockedValue { $0 } < 64)
        #expect(try Files.read(folder.file("f")).isEmpty)
    }

    @Test(
        "names in a listing that would lead elsewhere stop a download, and nothing is written",
        arguments: ["../evil", "/tmp/evil", "a/b", "x\0y", ""])
    func names(name: String) async throws {
        let folder = try TemporaryFolder()
        let server = try await ScriptedFiles(
            Self.listing([DirectoryEntry(name: RemotePath(name), attributes: Self.file)]))
        #expect(
            await sftpError { try await server.client.download("/d", to: folder.file("d/target")) } != nil)
        try Files.makeDirectory(folder.file("d"))
        #expect(
            await sftpError { try await server.client.download("/d", to: folder.file("d/target")) } == .unsafeName)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("d/target")).isEmpty)
    }

    @Test("a link that is followed by a directory of its name leads nowhere")
    func linkThenDirectory() async throws {
        let folder = try TemporaryFolder()
        try Files.makeDirectory(folder.file("outside"))
        let outside = RemotePath(folder.file("outside"))
        let inner = Self.listing([
            DirectoryEntry(name: "link", attributes: FileAttributes(permissions: 0o120777)),
            DirectoryEntry(name: "link", attributes: FileAttributes(permissions: 0o040755)),
            DirectoryEntry(name: "file", attributes: Self.file),
        ])
        let server = try await ScriptedFiles { request, id in
            if case .readlink = request {
                return [.response(.names([DirectoryEntry(name: outside, attributes: .init())]))]
            }
            return inner(request, id)
        }
        var options = TransferOptions()
        options.continuesAfterErrors = true
        let summary = try await server.client.download("/d", to: folder.file("d"), options: options)
        #expect(summary.links == 1)
        #expect(summary.skipped == 1)
        #expect(try Files.read(folder.file("d/file")) == Array("inside".utf8))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("outside")).isEmpty)
        // The link is there now. A second download goes neither through it nor over it.
        try FileManager.default.removeItem(atPath: folder.file("d/file"))
        try FileManager.default.createSymbolicLink(
            atPath: folder.file("d/file"), withDestinationPath: folder.file("outside/new"))
        let again = try await server.client.download("/d", to: folder.file("d"), options: options)
        #expect(again.failures.count == 1)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("outside")).isEmpty)
    }

    @Test("set-user-id bits of a server's file do not arrive")
    func identityBits() async throws {
        let folder = try TemporaryFolder()
        let server = try await ScriptedFiles(
            Self.listing([DirectoryEntry(name: "f", attributes: FileAttributes(size: 6, permissions: 0o106777))]))
        try await server.client.download("/d", to: folder.file("d"))
        #expect(try Files.information(folder.file("d/f")).st_mode & 0o7777 == 0o777)
    }

    /// One directory that holds `entries`, where every file holds "inside".
    static func listing(_ entries: [DirectoryEntry]) -> ScriptedFiles.Script {
        let isListed = NIOLockedValueBox(false)
        return { request, _ in
            switch request {
            case .stat, .lstat: return [.response(.attributes(FileAttributes(permissions: 0o040755)))]
            case .opendir:
                isListed.withLockedValue { $0 = false }
                return [.response(.handle(handle))]
            case .open: return [.response(.handle(handle))]
            case .readdir:
                let wasListed = isListed.withLockedValue { listed in
                    defer { listed = true }
                    return listed
                }
                return [.response(wasListed ? .status(.endOfFile) : .names(entries))]
            case .read: return [.response(.data(ByteBuffer(string: "inside")))]
            default: return [.response(.status(.ok))]
            }
        }
    }

    @Test("a server that gives less than was asked for is asked for less, and the file is whole")
    func shortReads() async throws {
        let folder = try TemporaryFolder()
        let contents = Files.noise(500_000)
        let server = try await ScriptedFiles { request, _ in
            switch request {
            case .stat: return [.response(.attributes(FileAttributes(size: 500_000, permissions: 0o100644)))]
            case .open: return [.response(.handle(Self.handle))]
            case .read(_, let offset, let length):
                let piece = contents.dropFirst(Int(offset)).prefix(min(Int(length), 5000))
                return [.response(piece.isEmpty ? .status(.endOfFile) : .data(ByteBuffer(bytes: piece)))]
            default: return [.response(.status(.ok))]
            }
        }
        try await server.client.download("/f", to: folder.file("f"))
        #expect(try Files.read(folder.file("f")) == contents)
    }

    @Test("nothing is asked for beyond the size of a file, and one that shrank is told")
    func shrunk() async throws {
        let folder = try TemporaryFolder()
        let furthest = NIOLockedValueBox<UInt64>(0)
        let server = try await ScriptedFiles { request, _ in
            switch request {
            case .stat: return [.response(.attributes(FileAttributes(size: 900_000, permissions: 0o100644)))]
            case .open: return [.response(.handle(Self.handle))]
            case .read(_, let offset, let length):
                furthest.withLockedValue { $0 = max($0, offset + UInt64(length)) }
                if offset >= 400_000 { return [.response(.status(.endOfFile))] }
                return [.response(.data(ByteBuffer(repeating: 7, count: min(Int(length), 400_000 - Int(offset)))))]
            default: return [.response(.status(.ok))]
            }
        }
        #expect(await sftpError { try await server.client.download("/f", to: folder.file("f")) } == .fileChanged)
        #expect(furthest.withLockedValue { $0 } <= 900_000)
    }

    @Test("a handle that comes after its task was cancelled is closed")
    func lateHandle() async throws {
        let closed = NIOLockedValueBox(0)
        let held = NIOLockedValueBox<UInt32?>(nil)
        let server = try await ScriptedFiles { request, id in
            switch request {
            case .open:
                held.withLockedValue { $0 = id }
                return []
            case .close:
                closed.withLockedValue { $0 += 1 }
                return [.response(.status(.ok))]
            default:
                guard let late = held.withLockedValue({ $0 }) else { return [.response(.attributes(.init()))] }
                return [.foreign(.handle(Self.handle), id: late), .response(.attributes(.init()))]
            }
        }
        let client = server.client
        let task = Task { _ = try await client.open("/f") }
        #expect(try await eventually { held.withLockedValue { $0 } != nil })
        task.cancel()
        await #expect(throws: SFTPError.self) { try await task.value }
        _ = try await client.attributes(of: "/")
        #expect(try await eventually { closed.withLockedValue { $0 } == 1 })
    }
}
