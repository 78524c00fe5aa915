import Terminal

extension RecordingReader {
    /// The screen as it was at a moment: the keyframe before it, and the events from there.
    ///
    /// - Parameter time: microseconds since the start.
    public func screen(at time: Int64) throws(RecordingError) -> Screen {
        var (keyframe, events) = try seek(to: time)
        var screen = Screen(columns: keyframe.columns, rows: keyframe.rows, scrollbackLimit: 0)
        screen.feed(keyframe.snapshot)
        while let event = try events.next(), event.time <= time {
            switch event.kind {
            case .output(let bytes):
                screen.feed(bytes)
                _ = screen.takeResponses()
                _ = screen.takeEvents()
            case .resize(let columns, let rows): screen.resize(columns: columns, rows: rows)
            default: break
            }
        }
        return screen
    }
}
