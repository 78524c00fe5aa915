import Gateway
import Hummingbird

/// `/api/inbox` and `/api/push`: what a person should know of, and the devices that are told.
struct InboxRoutes: Sendable {
    private struct ReadBody: Decodable {
        let ids: [String]?
    }
    private struct DeviceBody: Decodable {
        struct Keys: Decodable {
            let p256dh: String
            let auth: String
        }
        let endpoint: String
        let keys: Keys
        let device: String?
    }

    let notices: Notices
    let push: Push

    func add(to routes: RouteTable) {
        routes.signedIn(.get, "/api/inbox") { _, caller in
            let (all, unread) = try await notices.inbox(caller)
            return try JSONAnswer.response(InboxAnswer(notices: all.map(NoticeAnswer.init), unread: unread))
        }
        routes.signedIn(.post, "/api/inbox/read") { call, caller in
            try await notices.markRead(try call.body(ReadBody.self).ids ?? [], caller: caller)
            return JSONAnswer.noContent
        }
        routes.signedIn(.get, "/api/push/key") { _, _ in
            try JSONAnswer.response(PushKeyAnswer(publicKey: try await push.publicKey()))
        }
        routes.signedIn(.get, "/api/push/devices") { _, caller in
            let all = try await push.devices(caller)
            return try JSONAnswer.response(PushDevicesAnswer(devices: all.map(PushDeviceAnswer.init)))
        }
        routes.signedIn(.post, "/api/push/devices") { call, caller in
            let body = try call.body(DeviceBody.self)
            let subscription = try PushSubscription(
                endpoint: body.endpoint, p256dh: body.keys.p256dh, auth: body.keys.auth)
            let device = try await push.add(subscription, name: body.device ?? call.device, caller: caller)
            return try JSONAnswer.response(OnePushDeviceAnswer(device: .init(device)), status: .created)
        }
        routes.signedIn(.delete, "/api/push/devices/:id") { call, caller in
            try await push.remove(call.parameter("id"), caller: caller)
            return JSONAnswer.noContent
        }
        routes.signedIn(.post, "/api/push/test") { _, caller in
            let devices = try await push.devices(caller)
            notices.notify(
                userID: caller.userID, kind: .test, text: "This device is reached. You asked for this test.",
                link: "/inbox")
            return try JSONAnswer.response(PushTestAnswer(sent: devices.count))
        }
    }
}
