import Foundation
import TestSupport
import Testing

extension InteropTests {
    /// Programs that people use over SSH, with our server.
    @Suite struct ProgramTests {
        @Test("lftp puts, gets and mirrors", .enabled(if: ChildProcess.find("lftp") != nil, "needs lftp"))
        func lftp() async throws {
            let server = try await EngineServer()
            let work = try SharedFolder()
            try work.makeTree("tree")
            let options = try await StandardClient.openSSHOptions(Visit(port: server.port)).joined(separator: " ")
            let script = """
                set sftp:connect-program "ssh -a -x \(options)"
                set net:max-retries 1
                set net:timeout 10
                open -u \(InteropKeys.user), -p \(server.port) sftp://127.0.0.1
                mirror -R \(work.file("tree")) \(work.file("there"))
                mirror \(work.file("there")) \(work.file("back"))
                cls -1 \(work.file("there"))
                """
            let result = try await ChildProcess.run(
                "/usr/bin/lftp", ["-c", script], environment: ["HOME": work.path], within: 60)
            #expect(result.status == 0, "\(result.text) \(result.errors) \(server.log)")
            #expect(result.text.contains("a program's name"), "\(result.text)")
            try await work.expectSame("tree", "there")
            try await work.expectSame("tree", "back")
        }

        @Test(
            "sshfs mounts our server's files",
            .enabled(
                if: ChildProcess.find("sshfs") != nil && SSHFS.works, "needs sshfs, and a /dev/fuse that may be used"))
        func sshfs() async throws {
            let server = try await EngineServer()
            let work = try SharedFolder()
            try work.makeTree("tree")
            try FileManager.default.createDirectory(atPath: work.file("mount"), withIntermediateDirectories: false)
            let options = try await StandardClient.openSSHOptions(Visit(port: server.port))
            let program = try ChildProcess(
                "/usr/bin/sshfs",
                [
                    "-f", "-p", "\(server.port)", "\(InteropKeys.user)@127.0.0.1:\(work.file("tree"))",
                    work.file("mount"),
                ]
                    + options)
            defer { SSHFS.unmount(work.file("mount")) }
            #expect(
                try await eventually(within: 15) {
                    FileManager.default.fileExists(atPath: work.file("mount/empty")) || !program.isRunning
                })
            try #require(program.isRunning, "\(program.errors) \(server.log)")
            try await work.expectSame("tree", "mount")
            let noise = try await Noise.file(megabytes: 4)
            try await ChildProcess.tool("/bin/cp", [noise, work.file("mount/noise")])
            #expect(try Noise.hash(of: work.file("tree/noise")) == (try await Noise.hash(megabytes: 4)))
            try await ChildProcess.tool("/bin/mv", [work.file("mount/noise"), work.file("mount/deep/moved")])
            try await ChildProcess.tool("/bin/rm", ["-r", work.file("mount/deep")])
            #expect(!FileManager.default.fileExists(atPath: work.file("tree/deep")))
        }

        @Test(
            "rsync copies there and back, and sends only what changed",
            .enabled(if: ChildProcess.find("rsync") != nil, "needs rsync"))
        func rsync() async throws {
            let server = try await EngineServer()
            let work = try SharedFolder()
            try work.makeTree("tree")
            let shell =
                (["ssh", "-p", "\(server.port)"] + (try await StandardClient.openSSHOptions(Visit(port: server.port))))
                .joined(separator: " ")
            let place = "\(InteropKeys.user)@127.0.0.1:\(work.path)"
            for (from, to) in [(work.file("tree") + "/", "\(place)/there"), ("\(place)/there/", work.file("back"))] {
                let result = try await ChildProcess.run("/usr/bin/rsync", ["-a", "-e", shell, from, to], within: 60)
                #expect(result.status == 0, "\(result.errors) \(server.log)")
            }
            try await work.expectSame("tree", "there")
            try await work.expectSame("tree", "back")
            try Data("more".utf8).write(to: URL(fileURLWithPath: work.file("tree/empty")))
            let again = try await ChildProcess.run(
                "/usr/bin/rsync", ["-a", "--itemize-changes", "-e", shell, work.file("tree") + "/", "\(place)/there"])
            #expect(again.text.contains("empty") && !again.text.contains("large"), "\(again.text) \(again.errors)")
        }

        @Test(
            "Ansible pings, copies and runs", .enabled(if: ChildProcess.find("ansible") != nil, "needs ansible-core"),
            arguments: [
                "sftp", "scp", "piped",
            ])
        func ansible(transfer: String) async throws {
            let server = try await EngineServer()
            let work = try SharedFolder()
            let options = try await StandardClient.openSSHOptions(Visit(port: server.port)).joined(separator: " ")
            let inventory = """
                box ansible_host=127.0.0.1 ansible_port=\(server.port) ansible_user=\(InteropKeys.user) \
                ansible_python_interpreter=/usr/bin/python3 ansible_remote_tmp=\(work.file("remote"))
                """
            try Data((inventory + "\n").utf8).write(to: URL(fileURLWithPath: work.file("inventory")))
            try Data().write(to: URL(fileURLWithPath: work.file("ansible.cfg")))
            try Data("copied\n".utf8).write(to: URL(fileURLWithPath: work.file("from")))
            let environment = [
                "ANSIBLE_SSH_ARGS": "-C -o ControlMaster=no \(options)", "ANSIBLE_SSH_TRANSFER_METHOD": transfer,
                "ANSIBLE_HOME": work.file("home"), "ANSIBLE_LOCAL_TEMP": work.file("local"), "HOME": work.path,
                "ANSIBLE_CONFIG": work.file("ansible.cfg"), "ANSIBLE_SCP_EXTRA_ARGS": "-O", "LC_ALL": "C.UTF-8",
            ]
            for (module, argument) in [
                ("copy", "src=\(work.file("from")) dest=\(work.file("to"))"), ("command", "cat \(work.file("to"))"),
            ] {
                let result = try await ChildProcess.run(
                    "/usr/bin/ansible", ["-i", work.file("inventory"), "box", "-m", module, "-a", argument],
                    environment: environment, within: 90)
                #expect(result.status == 0, "\(module): \(result.text) \(result.errors) \(server.log)")
                #expect(result.text.contains(module == "copy" ? "CHANGED" : "copied"), "\(result.text)")
            }
        }
    }
}

private enum SSHFS {
    /// Whether this machine lets file systems of programs be mounted at all.
    static let works: Bool = {
        let descriptor = open("/dev/fuse", O_RDWR)
        guard descriptor >= 0 else { return false }
        close(descriptor)
        return true
    }()

    static func unmount(_ path: String) {
        guard let program = try? ChildProcess("/usr/bin/fusermount3", ["-u", "-z", path]) else { return }
        while program.isRunning { usleep(2000) }
    }
}
