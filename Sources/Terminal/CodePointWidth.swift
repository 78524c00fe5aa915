/// The columns that a Unicode scalar takes: 0 joins the cell before it, 2 is a wide character.
func codePointWidth(_ scalar: UInt32) -> Int {
    if scalar < 0x300 { return 1 }
    // The two blocks that make up nearly all wide text.
    if scalar >= 0x4E00 && scalar <= 0x9FFF || scalar >= 0xAC00 && scalar <= 0xD7A3 { return 2 }
    if contains(WidthTable.wide, scalar) { return 2 }
    return contains(WidthTable.zero, scalar) ? 0 : 1
}

private func contains(_ pairs: [UInt32], _ scalar: UInt32) -> Bool {
    var low = 0
    var high = pairs.count / 2 - 1
    while low <= high {
        let middle = (low + high) / 2
        if scalar < pairs[2 * middle] {
            high = middle - 1
        } else if scalar > pairs[2 * middle + 1] {
            low = middle + 1
        } else {
            return true
        }
    }
    return false
}
