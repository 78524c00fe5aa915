// Bytes a second through Screen.feed, and the cost of a snapshot. Build and run:
//     swiftc -O -wmo -swift-version 6 -parse-as-library Sources/Terminal/*.swift Benchmarks/terminal/Throughput.swift \
//         -o .build/terminal-throughput && .build/terminal-throughput

@main
struct Throughput {
    /// Text and how many megabytes of it are fed.
    static let streams: [(name: String, text: String, megabytes: Double)] = [
        (
            "log lines of 80 characters",
            "Nov 21 03:00:00 host sshd[1234]: Accepted publickey for user from 10.0.0.1 port\r\n", 200
        ),
        ("one endless line", "abcdefghijklmnopqrstuvwxyz0123456789", 200),
        ("yes", "y\r\n", 50),
        ("ls with colours", "\u{1B}[0m\u{1B}[01;34mfolder\u{1B}[0m  \u{1B}[01;32mprogram\u{1B}[0m  plain.txt\r\n", 50),
        ("true colour in each cell", "\u{1B}[38;2;10;20;30m\u{1B}[48;2;40;50;60mx", 50),
        ("Japanese", "漢字かな交じり文の行である。\r\n", 50),
        ("cursor moves", "\u{1B}[10;20Hab\u{1B}[K", 50),
        ("hostile: fill the screen (DECALN)", "\u{1B}#8", 1),
        ("hostile: repeat a character (REP)", "a\u{1B}[65535b", 1),
        ("hostile: erase in colour", "\u{1B}[41m\u{1B}[2J\u{1B}[40m\u{1B}[2J", 1),
        ("hostile: insert lines in colour", "\u{1B}[41m\u{1B}[H\u{1B}[99L", 1),
        ("hostile: joined marks", "e\u{301}\u{302}\u{303}", 20),
    ]

    static func seconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
    }

    static func main() {
        for stream in streams {
            var chunk: [UInt8] = []
            while chunk.count < 65_536 { chunk += Array(stream.text.utf8) }
            var screen = Screen(columns: 120, rows: 50, scrollbackLimit: 1000)
            var fed = 0
            let time = ContinuousClock().measure {
                while Double(fed) < stream.megabytes * 1e6 {
                    screen.feed(chunk)
                    fed += chunk.count
                }
            }
            print("\(stream.name): \(Int(Double(fed) / seconds(time) / 1e3)) kB/s")
        }
        var screen = Screen(columns: 120, rows: 50, scrollbackLimit: 1000)
        for _ in 0..<2000 { screen.feed(streams[3].text.utf8) }
        var size = 0
        let time = ContinuousClock().measure { for _ in 0..<1000 { size = screen.snapshot(scrollback: 0).count } }
        print("snapshot of 120 × 50: \(Int(seconds(time) * 1e3)) µs, \(size) bytes")
    }
}
