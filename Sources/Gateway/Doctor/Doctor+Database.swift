import Foundation
import Storage

extension Doctor {
    /// The database opens, is whole, and was not written by a later time than now.
    func database() async -> [Finding] {
        let path = configuration.database
        guard FileManager.default.fileExists(atPath: path) else {
            return [Finding("database", .good, "The database \(path) is made at the first start."), clock(latest: nil)]
        }
        do {
            let store = try Store.open(path: path)
            defer { try? store.close() }
            let faults = try await store.read { tx in
                try tx.rows("PRAGMA quick_check(1)").map { try $0.text("quick_check") }
            }
            let latest = try? await store.read { tx in
                try tx.row("SELECT MAX(time) AS latest FROM audit_entry")?.optionalInteger("latest")
            }
            return [integrity(faults), clock(latest: latest ?? nil)]
        } catch let error as StorageError {
            return [Finding("database", .fault, error.description, remedy: error.hint), clock(latest: nil)]
        } catch {
            return [Finding("database", .fault, "The database \(path) cannot be read: \(error)."), clock(latest: nil)]
        }
    }

    private func integrity(_ answers: [String]) -> Finding {
        let path = configuration.database
        guard answers == ["ok"] else {
            return Finding(
                "database", .fault, "The database \(path) is damaged: \(answers.first ?? "it gives no answer").",
                remedy: "Stop the copilot and bring the file back from its backup; keep the damaged one for inspection."
            )
        }
        return Finding("database", .good, "The database \(path) opens and is whole.")
    }

    /// A clock that runs behind what is already written would refuse sign-ins and put new entries before old ones.
    private func clock(latest: Int64?) -> Finding {
        let now = Timestamp.now()
        let tolerance: Int64 = 120 * 1_000_000
        if let latest, latest > now.microseconds, latest - now.microseconds > tolerance {
            return Finding(
                "clock", .fault,
                "The clock says \(now.iso8601), but the audit log has an entry of \(Timestamp(microseconds: latest).iso8601).",
                remedy: "Set the clock of this machine and keep it right with NTP.")
        }
        // The year in which this was written: a machine without a battery starts in 1970 or at its build.
        if now.microseconds < 1_767_225_600_000_000 {
            return Finding(
                "clock", .fault, "The clock says \(now.iso8601), which cannot be.",
                remedy: "Set the clock of this machine and keep it right with NTP.")
        }
        return Finding("clock", .good, "The clock says \(now.iso8601).")
    }
}
