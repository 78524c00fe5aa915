import Testing

@testable import Gateway

struct QRCodeTests {
    /// `zbarimg` reads it as `ssh`; dark modules as #.
    private static let small = """
        #######..#..#.#######
        #.....#.###...#.....#
        #.###.#..###..#.###.#
        #.###.#..#.##.#.###.#
        #.###.#.###.#.#.###.#
        #.....#.....#.#.....#
        #######.#.#.#.#######
        .........#.##........
        #.#.#.#..#.#....#..#.
        ....#.....#...#..#..#
        ..##.####.#.#...##.##
        #.#.##..###...#.....#
        #...######..#.#.#...#
        ........#.##.#.#.##.#
        #######..###.###..###
        #.....#....###.###..#
        #.###.#.####.###..#.#
        #.###.#..##...#...##.
        #.###.#.###.#...#...#
        #.....#...#...#...##.
        #######.##..#.#.#.###
        """

    @Test("error correction as in the standard's example of version 1-M")
    func correction() {
        let data: [UInt8] = [32, 91, 11, 120, 209, 114, 220, 77, 67, 64, 236, 17, 236, 17, 236, 17]
        #expect(
            ReedSolomon(count: 10).correction(of: data[...]) == [196, 35, 39, 119, 235, 215, 231, 226, 93, 23])
    }

    @Test("it stays what another program could read")
    func readable() throws {
        let code = try #require(QRCode(Array("ssh".utf8)))
        let rows = code.rows.map { String($0.map { $0 == "1" ? "#" : "." }) }
        #expect(rows == Self.small.split(separator: "\n").map(String.init))
    }

    @Test(
        "each version holds what its table says, and what is too long is none",
        arguments: [14, 26, 42, 62, 84, 106, 122, 152, 180, 213])
    func capacities(count: Int) throws {
        let fits = try #require(QRCode(Array(repeating: 0x61, count: count)))
        let next = QRCode(Array(repeating: 0x61, count: count + 1))
        #expect(next?.size == (count == 213 ? nil : fits.size + 4))
    }

    @Test("for a terminal it is two rows in a line, with a light margin")
    func blocks() throws {
        let code = try #require(QRCode(Array("ssh".utf8)))
        #expect(code.blocks.count == 13 && code.blocks.allSatisfy { $0.count == 25 })
        #expect(code.blocks.first?.allSatisfy { $0 == "█" } == true)
    }
}
