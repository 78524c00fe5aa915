// What libFuzzer calls. One library holds every target; FUZZ_TARGET names the one that runs.

import Dispatch
import Foundation
import FuzzBodies

nonisolated(unsafe) private var target: FuzzTarget?

/// Called once, before the first input. FUZZ_LIST prints the targets' names, FUZZ_SEEDS is a folder for the seeds that the
/// engine's own encoders make; with either the program ends.
@_cdecl("LLVMFuzzerInitialize")
public func initialiseFuzzer(_ count: UnsafeMutablePointer<CInt>, _ arguments: UnsafeMutableRawPointer) -> CInt {
    let environment = ProcessInfo.processInfo.environment
    if environment["FUZZ_LIST"] != nil {
        print(FuzzTarget.all.map(\.name).joined(separator: "\n"))
        exit(0)
    }
    guard let name = environment["FUZZ_TARGET"], let found = FuzzTarget.all.first(where: { $0.name == name }) else {
        print("FUZZ_TARGET names no target; with FUZZ_LIST=1 their names are printed.")
        exit(2)
    }
    target = found
    guard let folder = environment["FUZZ_SEEDS"] else { return 0 }
    for (number, seed) in found.seeds().enumerated() {
        try? Data(seed).write(to: URL(fileURLWithPath: "\(folder)/seed-\(number)"))
    }
    exit(0)
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let target else { return 0 }
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    switch target.body {
    case .plain(let body): report { try body(input) }
    case .waiting(let body):
        let done = DispatchSemaphore(value: 0)
        nonisolated(unsafe) var outcome: Result<Void, any Error> = .success(())
        Task {
            do { try await body(input) } catch { outcome = .failure(error) }
            done.signal()
        }
        done.wait()
        report { try outcome.get() }
    }
    return 0
}

/// A broken promise ends the process, which is how libFuzzer learns of it.
private func report(_ body: () throws -> Void) {
    do { try body() } catch { fatalError("\(error)") }
}
