import Testing

@testable import Gateway

@Suite("What a command is for")
struct CommandKindTests {
    @Test(
        "the host's end of a transfer is known by its words",
        arguments: [
            ("scp -t /tmp", CommandKind.transfer(reads: false, writes: true)),
            ("scp -r -p -t -- '/tmp/a b'", .transfer(reads: false, writes: true)),
            ("scp -f notes", .transfer(reads: true, writes: false)),
            ("/usr/bin/scp -qrf notes", .transfer(reads: true, writes: false)),
            ("rsync --server -vlogDtpre.iLsfxCIvu . /tmp/x", .transfer(reads: false, writes: true)),
            ("rsync --server --sender -vlogDtpr . /etc", .transfer(reads: true, writes: false)),
            ("git-upload-pack '/srv/x.git'", .transfer(reads: true, writes: false)),
            ("git upload-pack x.git", .transfer(reads: true, writes: false)),
            ("git-receive-pack 'x.git'", .transfer(reads: true, writes: true)),
            ("/usr/lib/openssh/sftp-server", .transfer(reads: true, writes: true)),
        ])
    func transfers(line: String, kind: CommandKind) {
        #expect(CommandKind(line) == kind)
    }

    @Test(
        "everything else is general, and nothing hides behind a transfer",
        arguments: [
            "uptime", "", "scp a b", "rsync -a x y", "git status", "scp -t /tmp; rm -rf ~", "scp -f $(id)",
            "rsync --server . x && id", "git-upload-pack x | sh", "scp -t `id`", "scp -t x\nid", "scp -f 'x",
            "echo scp -t x",
        ])
    func general(line: String) {
        #expect(CommandKind(line) == .general)
    }
}
