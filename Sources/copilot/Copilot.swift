import ArgumentParser

@main
struct Copilot: AsyncParsableCommand {
    func run() async throws {}
}
