import ArgumentParser
import Foundation
import Recording
import SSHTools

struct PlayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "play",
        abstract: "Play a recording in the terminal.",
        discussion: """
            Plays asciicast versions 1, 2 and 3: what `copilot rec`, `copilot recording \
            export` and asciinema write. Into a pipe it plays at the same pace.

            A recording holds whatever the recorded programs printed. Only what shows text \
            is let through: no window titles, no clipboard, no questions to the terminal, \
            no mouse and keyboard modes. --raw lets everything through: use it for \
            recordings that you trust.

            KEYS
              space       pause and go on           .           the next thing, paused
              right left  5 seconds on, back        up down     a minute on, back
              > <         twice, half as fast       ]           the next marker
              q Ctrl-C    end

            EXAMPLE
              copilot play demo.cast
              copilot play --speed 2 --idle-limit 1 --from 90 incident.cast
              ssh web-1 cat incident.cast | copilot play -
            """)

    @Argument(help: "The recording; - is standard input.", completion: .file(extensions: ["cast", "json"]))
    var file: String
    @Option(name: [.customShort("s"), .long], help: ArgumentHelp("2 is twice as fast.", valueName: "factor"))
    var speed = 1.0
    @Option(
        name: [.customShort("i"), .long],
        help: ArgumentHelp("Cut pauses to so many seconds. (default: as the recording says)", valueName: "seconds"))
    var idleLimit: Double?
    @Option(help: ArgumentHelp("Begin there.", valueName: "seconds")) var from = 0.0
    @Flag(help: "Let every control sequence through.") var raw = false

    func validate() throws {
        guard speed > 0, speed <= 1000 else { throw ValidationError("A speed is above 0, up to 1000.") }
        guard (0...1e6).contains(from) else { throw ValidationError("--from is 0 to 1000000 seconds.") }
        guard (0...1e6).contains(idleLimit ?? 0) else { throw ValidationError("--idle-limit is 0 to 1000000 seconds.") }
    }

    func run() async throws {
        try await Failure.reported {
            let reader =
                file == "-"
                ? try AsciicastReader(descriptor: FileHandle.standardInput) : try AsciicastReader(path: file)
            let options = Playback.Options(
                speed: speed, idleLimit: idleLimit.map { Int64($0 * 1_000_000) }, isRaw: raw)
            var player = try Player(reader, options: options, from: Int64(from * 1_000_000))
            try player.run()
        }
    }
}
