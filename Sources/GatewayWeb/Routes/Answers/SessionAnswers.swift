import Gateway

struct SessionsAnswer: Encodable {
    let sessions: [SessionView]
}

struct SessionAnswer: Encodable {
    let session: SessionView
}

struct RecordingsAnswer: Encodable {
    let recordings: [StoredRecording]
}
