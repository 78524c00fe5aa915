import Testing

/// `#expect(got == expected)` for megabytes: a failure prints their sizes instead of all of them, which takes minutes.
func expectSame(_ got: [UInt8], _ expected: [UInt8], sourceLocation: SourceLocation = #_sourceLocation) {
    let isSame = got == expected
    let place = zip(got, expected).enumerated().first { $1.0 != $1.1 }?.offset
    #expect(
        isSame, "\(got.count) of \(expected.count) bytes, first difference at \(place.map(String.init) ?? "none")",
        sourceLocation: sourceLocation)
}
