import NIOConcurrencyHelpers
import SSH
import SSHApplications
import Testing

@Suite struct ApplicationRouterTests {
    private let router: ApplicationRouter = {
        var router = ApplicationRouter()
        for name in ["hello", "builds"] {
            router.add(
                name,
                ApplicationClosure { visit in
                    try await visit.print("\(name) \(visit.arguments ?? [])")
                    return .status(0)
                })
        }
        return router
    }()

    private func run(
        _ router: ApplicationRouter, login: String, person: String? = "ada", _ arguments: [String]?
    ) async -> (exit: CommandResult.Exit, streams: TestStreams) {
        let streams = TestStreams()
        let visit = ApplicationVisit(streams, login: login, person: person, arguments: arguments)
        return (await visit.serve(by: router, name: "apps"), streams)
    }

    @Test("the name that was connected as chooses, and then the whole command is the application's")
    func byLogin() async {
        #expect(await run(router, login: "hello", ["builds", "x"]).streams.output == "hello [\"builds\", \"x\"]\n")
        #expect(await run(router, login: "hello", nil).streams.output == "hello []\n")
    }

    @Test("for another name the first word chooses")
    func byWord() async {
        #expect(
            await run(router, login: "apps", ["builds", "tail", "7"]).streams.output == "builds [\"tail\", \"7\"]\n")
    }

    @Test("without a choice the applications are listed", arguments: [nil, [], ["nothing"], ["hello "]] as [[String]?])
    func noChoice(arguments: [String]?) async {
        let (exit, streams) = await run(router, login: "apps", arguments)
        #expect(exit == .status(64) && streams.errors.contains("hello, builds"))
    }

    @Test("middleware goes about the application in its order and may refuse")
    func middleware() async {
        let seen = NIOLockedValueBox<[String]>([])
        var router = router
        for name in ["outer", "inner"] {
            router.use { visit, next in
                seen.withLockedValue { $0.append(name) }
                return try await next.run(visit)
            }
        }
        router.use(ApplicationRouter.knownPeopleOnly)
        #expect(await run(router, login: "hello", nil).exit == .status(0))
        #expect(await run(router, login: "hello", person: nil, nil).exit == .status(77))
        #expect(seen.withLockedValue { $0 } == ["outer", "inner", "outer", "inner"])
    }
}
