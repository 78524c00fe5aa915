import SFTP
import Testing

@testable import SSHTools

/// Tab at the prompt of sftp.
struct FileCompletionTests {
    private func complete(_ line: String, _ names: [String]) -> PromptCompletion? {
        let completion = FileCompletion(line)
        return completion.completion(
            completion.candidates(names.map { (name: RemotePath($0), isFolder: $0.hasPrefix("dir")) }))
    }

    @Test("the first word is a command")
    func commands() {
        #expect(FileCompletion("ge").wanted == .command("ge"))
        #expect(FileCompletion("").completion(ofCommand: "lpw") == .init(start: 0, text: "lpwd ", candidates: ["lpwd"]))
        #expect(FileCompletion("re").completion(ofCommand: "re")?.candidates == ["reget", "rename", "reput"])
    }

    @Test("where a path belongs to is known by the command and its place")
    func sides() {
        #expect(FileCompletion("get ").wanted == .remote)
        #expect(FileCompletion("get -r a b").wanted == .local)
        #expect(FileCompletion("put a").wanted == .local)
        #expect(FileCompletion("put a ").wanted == .remote)
        #expect(FileCompletion("lcd x").wanted == .local)
        #expect(FileCompletion("chmod 6").wanted == nil)
        #expect(FileCompletion("chmod 644 f").wanted == .remote)
        #expect(FileCompletion("pwd ").wanted == nil)
    }

    @Test("one name is completed whole, with a slash or a blank behind it")
    func whole() {
        #expect(complete("get re", ["report", "notes"]) == .init(start: 4, text: "report ", candidates: ["report"]))
        #expect(complete("cd di", ["dir one"]) == .init(start: 3, text: #"dir\ one/"#, candidates: ["dir one/"]))
        #expect(complete("get x", ["report"]) == nil)
    }

    @Test("several names are completed as far as they agree")
    func common() {
        #expect(complete("get re", ["report-1", "report-2"])?.text == "report-")
        #expect(complete("get re", ["report-1", "report-2"])?.candidates == ["report-1", "report-2"])
    }

    @Test("names are quoted as the word was begun")
    func quoting() {
        #expect(complete("get it", [#"it's [1] "x" #2\3*?"#])?.text == ##"it\'s\ \[1]\ \"x\"\ \#2\\3\*\? "##)
        #expect(complete(#"get "my "#, [#"my "file""#])?.text == #""my \"file\"" "#)
        #expect(complete("get 'my ", ["my file"])?.text == "'my file' ")
        #expect(
            complete("get sub/my\\ ", ["my file"]) == .init(start: 4, text: #"sub/my\ file "#, candidates: ["my file"]))
    }

    @Test("what a completion writes is read back as the very name")
    func readBack() throws {
        for name in [#"it's [1] "x" #2\3*?"#, "~tilde", "ünïcode 漢字", "-dash"] {
            let text = FileCompletion.quoted(name, in: nil, keepsTilde: false)
            let words = try CommandWords.split("get " + text)
            #expect(words.last?.text == name)
            #expect(words.last?.pattern == GlobPattern.escaped(Array(name.utf8)))
        }
    }

    @Test("hidden names come only when the dot is typed, and names that cannot be typed never")
    func hidden() {
        #expect(complete("get ", [".hidden", "shown"])?.candidates == ["shown"])
        #expect(complete("get .h", [".hidden", "shown"])?.candidates == [".hidden"])
        #expect(complete("get ", ["a\u{1b}[31mred", "b\nc", "../x", ".."]) == nil)
    }
}
