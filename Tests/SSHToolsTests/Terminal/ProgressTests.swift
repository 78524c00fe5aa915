import SFTP
import Terminal
import Testing

@testable import SSHTools

/// Progress by a clock that the tests turn.
struct ProgressTests {
    private func file(_ name: String, _ bytes: UInt64, _ size: UInt64) -> TransferredFile {
        TransferredFile(source: name, target: name, bytes: bytes, size: size)
    }

    private func progress(_ bytes: UInt64, of total: UInt64) -> TransferProgress {
        var progress = TransferProgress()
        (progress.bytes, progress.totalBytes, progress.totalFiles) = (bytes, total, 1)
        return progress
    }

    @Test("speed and remaining time follow what moves")
    func meter() {
        var meter = TransferMeter(start: .zero)
        for second in 1...10 { meter.update(UInt64(second) * 1000, at: .seconds(second)) }
        #expect(abs((meter.speed ?? 0) - 1000) < 1)
        #expect(abs((meter.remaining(10_000, of: 15_000) ?? 0) - 5) < 0.1)
        #expect(meter.average(10_000, at: .seconds(10)) == 1000)
        #expect(!meter.isStalled(at: .seconds(12)) && meter.isStalled(at: .seconds(15)))
    }

    @Test("what was there before a resumed transfer counts for no speed")
    func resumed() {
        var meter = TransferMeter(start: .zero, bytes: 1 << 30)
        meter.update(1 << 30 + 500, at: .seconds(1))
        #expect(meter.average(1 << 30 + 500, at: .seconds(1)) == 500)
    }

    @Test("a row has name, percent, size, speed and time, and is one column shorter than the terminal")
    func row() {
        let row = ProgressRow(
            name: "big.bin", bytes: 512 << 20, total: 1 << 30, speed: 100 * 1024 * 1024, time: "00:05 ETA")
        #expect(
            row.rendered(columns: 61) == "big.bin" + String(repeating: " ", count: 21)
                + "50%   512M    100MB/s  00:05 ETA")
        for columns in [1, 10, 30, 40, 61, 200] {
            #expect(TextWidth.columns(of: row.rendered(columns: columns)) <= max(0, columns - 1))
        }
    }

    @Test("a name that is too long is cut by its width")
    func longName() {
        let row = ProgressRow(name: String(repeating: "漢", count: 40), bytes: 0, total: 0, speed: nil, time: "00:00")
        #expect(TextWidth.columns(of: row.rendered(columns: 60)) <= 59)
        #expect(row.rendered(columns: 60).contains("…"))
        #expect(row.rendered(columns: 60).contains("100%"))
    }

    @Test("of a path that is too long the end is shown")
    func longPath() {
        let row = ProgressRow(name: "/srv/a/long/way/to/the/file.txt", bytes: 0, total: 0, speed: nil, time: "00:00")
        #expect(row.rendered(columns: 50).hasPrefix("…o/the/file.txt "))
        #expect(TextWidth.columns(of: row.rendered(columns: 50)) == 49)
    }

    @Test(
        "sizes take five characters at most",
        arguments: [
            (0, "0"), (999, "999"), (1023, "1.0K"), (1536, "1.5K"), (10 * 1024, "10K"), (1 << 20, "1.0M"),
            (123 << 20, "123M"), (5 << 30, "5.0G"),
        ])
    func sizes(bytes: Int, shown: String) { #expect(ByteSize.short(Double(bytes)) == shown) }

    @Test("times are minutes and seconds, and hours when there are any")
    func clocks() {
        #expect(ProgressRow.clock(0) == "00:00" && ProgressRow.clock(75.4) == "01:15")
        #expect(ProgressRow.clock(3661) == "1:01:01" && ProgressRow.clock(.infinity) == "--:--")
    }

    @Test("it is drawn ten times a second at most, and the last picture always")
    func rate() {
        var picture = ProgressPicture(title: "f", isTree: false)
        var drawings = 0
        for millisecond in 0..<1000 {
            let text = picture.update(
                progress(UInt64(millisecond), of: 1000), at: .milliseconds(millisecond), columns: 80)
            if !text.isEmpty { drawings += 1 }
        }
        #expect(drawings == 10)
        #expect(picture.finish(at: .milliseconds(1001), columns: 80, isComplete: true).contains("100%"))
        #expect(picture.redraw(at: .seconds(5), columns: 80).isEmpty)
    }

    @Test("a single file keeps one row")
    func single() {
        var picture = ProgressPicture(title: "f", isTree: false)
        var screen = Screen(columns: 60, rows: 6)
        for step in 1...5 {
            screen.feed(
                Array(picture.update(progress(UInt64(step) * 100, of: 500), at: .seconds(step), columns: 60).utf8))
        }
        screen.feed(Array(picture.finish(at: .seconds(5), columns: 60, isComplete: true).utf8))
        #expect(screen.firstRow.hasPrefix("f ") && screen.firstRow.contains("100%") && screen.firstRow.contains("500"))
        #expect(screen.rowText(1).isEmpty)
    }

    @Test("of a tree each finished file leaves a row, and file and sum are drawn below them")
    func tree() {
        var picture = ProgressPicture(title: "src", isTree: true)
        var screen = Screen(columns: 70, rows: 8)
        var now = progress(100, of: 1000)
        now.totalFiles = 3
        now.underWay = [file("src/big", 100, 900)]
        screen.feed(Array(picture.update(now, at: .seconds(1), columns: 70).utf8))
        now.finished = [file("src/a", 50, 50), file("src/b", 50, 50)]
        now.files = 2
        screen.feed(Array(picture.update(now, at: .seconds(2), columns: 70).utf8))
        #expect(screen.rowText(0).hasPrefix("src/a ") && screen.rowText(1).hasPrefix("src/b "))
        #expect(screen.rowText(2).hasPrefix("src/big ") && screen.rowText(3).hasPrefix("2/3 files, src"))
        now.finished = [file("src/big", 900, 900)]
        (now.files, now.bytes, now.underWay) = (3, 1000, [])
        _ = picture.update(now, at: .milliseconds(2001), columns: 70)
        screen.feed(Array(picture.finish(at: .seconds(3), columns: 70, isComplete: true).utf8))
        #expect(screen.rowText(2).hasPrefix("src/big ") && screen.rowText(3).hasPrefix("3/3 files, src"))
        #expect(screen.rowText(4).isEmpty)
    }

    @Test("what stands still is shown as such")
    func stalled() {
        var picture = ProgressPicture(title: "f", isTree: false)
        _ = picture.update(progress(10, of: 100), at: .seconds(1), columns: 80)
        #expect(picture.redraw(at: .seconds(8), columns: 80).contains("stalled"))
    }
}
