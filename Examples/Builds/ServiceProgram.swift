import Foundation
import SSHApplications

/// The service as a program.
enum ServiceProgram {
    static func run(_ words: [String]) async -> Int32 {
        do {
            var options: [String: String] = [:]
            for index in stride(from: 0, to: words.count - 1, by: 2) { options[words[index]] = words[index + 1] }
            guard let port = options["--port"].flatMap(Int.init), let folder = options["--folder"],
                let file = options["--plan"], options.count * 2 == words.count
            else {
                print("builds service --port PORT --folder DIR --plan FILE")
                return 64
            }
            let plan = try JSONDecoder().decode(ServicePlan.self, from: Data(contentsOf: URL(filePath: file)))
            let service = try BuildService(plan, folder: folder)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await service.run(plan) }
                group.addTask {
                    try await ServiceListener(service: service).run(port: port) { port in
                        FileHandle.standardError.write(Data("the build service listens on port \(port)\n".utf8))
                    }
                }
                try await group.waitForAll()
            }
            return 0
        } catch {
            FileHandle.standardError.write(Data("builds service: \(error)\n".utf8))
            return 70
        }
    }
}
