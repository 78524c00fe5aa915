public import NIOCore
public import SSHKeys

/// What happened on a connection. Events that ask something stop further input until they are answered.
///
/// What is large and rare lies behind a reference, since channel data is copied with the whole of the enumeration.
public enum ConnectionEvent {
    /// A banner during authentication (RFC 4252 §5.4), as the host sent it: neutralise it before showing.
    case banner(String)
    /// Answer with `acceptHostKey` or `refuseHostKey`.
    indirect case verifyHostKey(HostKeyOffer)
    /// Answer with `answerPrompt`.
    indirect case prompt(AuthenticationPrompt)
    /// Client: answer with `answerPasswordChange`.
    indirect case passwordExpired(PasswordChangePrompt)
    /// Client: a key that is not ours has to sign. Answer with `answerSignature`.
    indirect case sign(SignatureRequest)
    /// Server: whether it would be worth a signature. Answer with `answerKeyOffer`; it lets nobody in.
    indirect case mayOfferKey(username: String, PublicIdentity)
    /// Server: whether the user may come in. Answer with `answerAuthorization`.
    indirect case authorize(AuthorizationRequest)
    /// A key exchange is complete in both directions.
    indirect case keysChanged(NegotiatedAlgorithms)
    /// Channels may be opened.
    case authenticated
    /// Client: keys beside the one in use that the host proved to own. What is on record for the host may be brought up
    /// to date with them.
    case hostKeysOffered([SSHPublicKey])
    /// A ping of ours came back.
    case pong
    case channel(ChannelID, SessionChannelEvent)
    /// The peer wants a channel. Answer with `accept` or `refuse`, when it suits; other input goes on.
    indirect case channelOpen(ChannelID, ChannelOpenRequest)
    /// The peer wants something of the connection. Answer with `answer`, when it suits.
    indirect case globalRequest(InboundGlobalRequest)
    /// A forward of ours stands, with the port that the server chose, or was refused (nil).
    indirect case forwardAnswer(RequestToken, RemoteForward?)
    /// A ping was answered; how (success or failure) says nothing.
    case globalReply(RequestToken, Bool)
    /// The end, with its reason: the last event.
    indirect case closed(ProtocolError)
}

/// What happened on one channel.
public enum SessionChannelEvent {
    case opened
    /// Reason code (RFC 4254 §5.1) and the host's words, not neutralised. The channel is gone.
    case refused(reason: UInt32, description: String)
    /// Data; its window is given back by `consumed`.
    case data(SSHDataStream, ByteBuffer)
    case exitStatus(UInt32)
    indirect case exitSignal(ExitSignal)
    /// The host sends no more data.
    case endOfFile
    /// The peer asks for something. Answer with `answer`, when it suits.
    indirect case request(InboundChannelRequest)
    /// The peer reads nothing more of what is sent (eow@openssh.com).
    case endOfWrite
    /// A request of ours was answered.
    case answered(RequestToken, Bool)
    case writabilityChanged(Bool)
    /// Both ends have closed it; its number may be used again.
    case closed
}
