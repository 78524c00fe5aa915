import NIOCore
import Testing

@testable import SSHProtocol

/// RFC 4253 §4.2.
@Suite struct IdentificationTests {
    private func read(_ text: String) throws(ProtocolError) -> (line: String?, reader: IdentificationReader, rest: Int)
    {
        var reader = IdentificationReader()
        var buffer = ByteBuffer(string: text)
        let line = try reader.read(from: &buffer)
        return (line, reader, buffer.readableBytes)
    }

    private func error(_ text: String) -> ProtocolError.Code? {
        do throws(ProtocolError) {
            _ = try read(text)
            return nil
        } catch {
            return error.code
        }
    }

    @Test("an identification ends with CR LF or LF, and what follows stays")
    func lineEnds() throws {
        #expect(try read("SSH-2.0-x\r\nrest").line == "SSH-2.0-x")
        #expect(try read("SSH-2.0-x\nrest").rest == 4)
        #expect(try read("SSH-2.0-x").line == nil)
    }

    @Test("other lines before it are kept for display, harmlessly")
    func preface() throws {
        let result = try read("Hello \u{1B}[2J\r\n\r\nworld\nSSH-2.0-OpenSSH_9 comment\r\n")
        #expect(result.line == "SSH-2.0-OpenSSH_9 comment")
        #expect(result.reader.preface == "Hello ·[2J\n\nworld")
    }

    @Test("a bare line feed, carriage return, NUL or nothing harms nobody")
    func emptyLines() throws {
        for text in ["", "\n", "\r", "\r\n", "\0\n", "\n\n\n", "\r\r\n"] { #expect(try read(text).line == nil) }
    }

    @Test("255 bytes with the line end are accepted, 256 are not")
    func length() throws {
        let longest = "SSH-2.0-" + String(repeating: "a", count: 245)
        #expect(try read(longest + "\r\n").line == longest)
        #expect(error(longest + "a\r\n") == .malformed)
        #expect(error(longest + "aaaa") == .malformed)
    }

    @Test("a line of 8 KiB without an end is no SSH server")
    func endlessLine() throws {
        #expect(error(String(repeating: "x", count: 8191)) == nil)
        #expect(error(String(repeating: "x", count: 8192)) == .notSSH)
        #expect(try read(String(repeating: "x", count: 8000) + "\nSSH-2.0-x\n").line == "SSH-2.0-x")
    }

    @Test("1,024 other lines are accepted, one more is not, and little of them is kept")
    func manyLines() throws {
        let lines = String(repeating: "a line of text\n", count: 1024)
        let result = try read(lines + "SSH-2.0-x\n")
        #expect(result.line == "SSH-2.0-x")
        #expect(result.reader.preface.utf8.count < 5000)
        #expect(error(lines + "x\nSSH-2.0-x\n") == .notSSH)
    }

    @Test("version 1.99 is version 2, version 1.5 is not")
    func versions() throws {
        #expect(try read("SSH-1.99-both\n").line == "SSH-1.99-both")
        #expect(error("SSH-1.5-old\n") == .versionNotSupported)
        #expect(error("SSH-3.0-new\n") == .versionNotSupported)
        #expect(error("SSH-\n") == .versionNotSupported)
    }

    @Test("control bytes and letters beyond ASCII in an identification are refused")
    func bytes() {
        #expect(error("SSH-2.0-x\0y\n") == .malformed)
        #expect(error("SSH-2.0-x\u{1B}[m\n") == .malformed)
        #expect(error("SSH-2.0-é\n") == .malformed)
    }
}
