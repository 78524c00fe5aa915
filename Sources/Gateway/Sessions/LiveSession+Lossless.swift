import NIOCore

/// Seats that lose nothing: a plain ssh client has its own scrollback, and whoever redirects its output wants every byte.
///
/// Such a seat sets the pace only while its person has the keyboard: then the host waits for it as it would wait for a
/// client of its own. As a viewer it is skipped forward like every other seat, and slows nobody.
extension LiveSession {
    /// The seat is to get every byte while it has the keyboard.
    public func setLossless(seat id: String) {
        guard let index = seatIndex(id) else { return }
        seats[index].isLossless = true
    }

    /// Whether the host has to wait for a seat: as much as the seat may have under way is under way.
    var isWaitingForSeat: Bool {
        guard let holder = lease.holder, let index = seatIndex(holder.seatId) else { return false }
        let seat = seats[index]
        guard seat.isLossless, seat.isConnected, seat.isVisible, log.end > seat.acknowledged else { return false }
        return log.end - seat.acknowledged >= UInt64(seat.window)
    }

    /// The seat has read on, or is none that anybody waits for any more: what was held goes on.
    func releaseOutputForSeat() {
        guard state == .live, !heldOutput.isEmpty || hostEnd != nil else { return }
        while let bytes = heldOutput.first, !isWaitingForSeat {
            heldOutput.removeFirst()
            accept(bytes)
            withheldCredit += bytes.readableBytes
        }
        returnCredit()
        guard heldOutput.isEmpty, let end = hostEnd else { return }
        hostEnd = nil
        hostClosed(end)
    }
}
