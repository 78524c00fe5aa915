import Foundation
import Vault

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

extension Doctor {
    /// A folder that belongs to this account and is closed to all others.
    func folder(_ check: String, _ path: String, _ name: String) -> Finding {
        var status = stat()
        guard stat(path, &status) == 0 else {
            guard errno == ENOENT else {
                return Finding(
                    check, .fault, "\(name) \(path) cannot be looked at: \(String(cString: strerror(errno))).",
                    remedy: "Check who owns the folders above it.")
            }
            return Finding(check, .good, "\(name) \(path) is made at the first start.")
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            return Finding(check, .fault, "\(name) \(path) is not a folder.", remedy: "Move the file away.")
        }
        guard status.st_uid == geteuid() else {
            return Finding(
                check, .fault, "\(name) \(path) belongs to another account (\(status.st_uid)).",
                remedy: "Run the copilot as that account, or: chown -R \(geteuid()) \(path)")
        }
        let mode = status.st_mode & 0o777
        guard mode & 0o077 == 0 else {
            return Finding(
                check, .fault, "\(name) \(path) is open to other accounts (mode \(String(mode, radix: 8))).",
                remedy: "chmod 700 \(path)")
        }
        return Finding(check, .good, "\(name) \(path) is closed to other accounts.")
    }

    /// The root key opens, nobody else reads it, and it is not where the data and its backups are.
    func rootKey() -> Finding {
        let path = configuration.rootKeyFile
        if environment["COPILOT_ROOT_KEY"]?.isEmpty == false { return rootKeyOfEnvironment() }
        var status = stat()
        guard stat(path, &status) == 0 else {
            if FileManager.default.fileExists(atPath: configuration.database) {
                return Finding(
                    "root_key", .fault, "There is a database, but its root key \(path) is missing.",
                    remedy:
                        "Bring the file back from its backup, or name it with root_key_file. Without it no secret opens."
                )
            }
            return Finding("root_key", .good, "The root key \(path) is made at the first start.")
        }
        do { _ = try RootKey.load(environment: [:], file: path) } catch {
            return Finding("root_key", .fault, error.description, remedy: error.hint)
        }
        guard status.st_mode & 0o077 == 0 else {
            return Finding(
                "root_key", .fault, "The root key \(path) can be read by other accounts.", remedy: "chmod 600 \(path)")
        }
        if Self.resolved(path).hasPrefix(Self.resolved(configuration.data) + "/") {
            return Finding(
                "root_key", .warning,
                "The root key \(path) lies inside the data folder: who copies the data has the key to it.",
                remedy: "Move it elsewhere, for example to ~/.config/copilot/root.key, and set root_key_file.")
        }
        return Finding("root_key", .good, "The root key \(path) opens and lies apart from the data.")
    }

    private func rootKeyOfEnvironment() -> Finding {
        do { _ = try RootKey.load(environment: environment, file: nil) } catch {
            return Finding("root_key", .fault, error.description, remedy: error.hint)
        }
        return Finding("root_key", .good, "The root key stands in the environment.")
    }

    /// Checkpoints inside the data folder would be changed together with the log that they witness.
    func checkpoints() -> Finding {
        let path = configuration.checkpoints
        if Self.resolved(path).hasPrefix(Self.resolved(configuration.data) + "/") {
            return Finding(
                "checkpoints", .warning, "The checkpoints \(path) of the audit log lie inside the data folder.",
                remedy: "Set checkpoints to a folder elsewhere, best on another machine.")
        }
        return Finding("checkpoints", .good, "The checkpoints of the audit log lie apart from it, in \(path).")
    }

    /// Room for recordings: without it sessions pause.
    func disk() -> Finding {
        let path = Self.nearestFolder(configuration.data)
        var status = statvfs()
        guard statvfs(path, &status) == 0 else {
            return Finding(
                "disk", .warning, "The free space of \(path) cannot be asked: \(String(cString: strerror(errno))).")
        }
        let (free, overflow) = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
        let mebibytes = (overflow ? UInt64.max : free) / 1_048_576
        let sentence = "\(mebibytes) MiB are free for \(configuration.data)."
        let remedy = "Make room: when the disk is full, recording stops, and sessions pause until it goes on."
        if mebibytes < 64 { return Finding("disk", .fault, sentence, remedy: remedy) }
        if mebibytes < 1024 { return Finding("disk", .warning, sentence, remedy: remedy) }
        return Finding("disk", .good, sentence)
    }

    /// The built page, with the file that a browser asks for first.
    func page() -> Finding {
        guard let folder = configuration.pageFolder(executable: executable) else {
            return Finding(
                "page", .fault, "The page is not beside the program.",
                remedy: "Build it with scripts/build-web, or set page to its folder.")
        }
        guard FileManager.default.isReadableFile(atPath: folder + "/index.html") else {
            return Finding(
                "page", .fault, "The page folder \(folder) has no index.html.",
                remedy: "Build it with scripts/build-web, or set page to its folder.")
        }
        return Finding("page", .good, "The page is in \(folder).")
    }

    private static func resolved(_ path: String) -> String {
        URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    }

    private static func nearestFolder(_ path: String) -> String {
        var url = URL(fileURLWithPath: path)
        while url.path != "/", !FileManager.default.fileExists(atPath: url.path) { url.deleteLastPathComponent() }
        return url.path
    }
}
