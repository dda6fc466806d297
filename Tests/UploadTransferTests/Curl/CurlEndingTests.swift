import HTTPTypes
import Synchronization
import TestSupport
import Testing
import UploadCore

@testable import UploadTransfer

/// Requests that are given up, and clients that end.
@Suite(.timeLimit(.minutes(1)))
struct CurlEndingTests {
    private static func silent(_ events: Events) throws -> RawServer {
        try RawServer { connection in
            guard connection.readHead() != nil else { return }
            events.tell("came")
            _ = connection.readHead()
            events.tell("went")
        }
    }

    private static func outcome(_ client: CurlClient, _ url: String) async -> DestinationError? {
        await failure { () async throws(DestinationError) in
            try await client.perform(TransferRequest(method: .get, url: url, operation: "get"))
        }
    }

    @Test func `a cancelled task lets go of its request and its connection`() async throws {
        let events = Events()
        let server = try Self.silent(events)
        defer { server.stop() }
        let client = try CurlClient()
        let task = Task { await Self.outcome(client, server.url) }
        #expect(await events.next() == "came")
        task.cancel()
        #expect(await task.value == .cancelled)
        #expect(await events.next() == "went")
        #expect(client.figures == TransferFigures())
        await client.shutdown()
    }

    @Test func `a task that was cancelled before it asks gets nothing sent`() async throws {
        let events = Events()
        let server = try Self.silent(events)
        defer { server.stop() }
        let client = try CurlClient()
        let start = Events()
        let task = Task {
            _ = await start.next()
            return await Self.outcome(client, server.url)
        }
        task.cancel()
        start.tell("go")
        #expect(await task.value == .cancelled)
        await client.shutdown()
    }

    @Test func `a request that still waits for its turn can be cancelled`() async throws {
        let events = Events()
        let server = try Self.silent(events)
        defer { server.stop() }
        let client = try CurlClient(options: CurlOptions(maximumConnections: 1))
        let first = Task { await Self.outcome(client, server.url) }
        #expect(await events.next() == "came")
        let second = Task { await Self.outcome(client, server.url) }
        second.cancel()
        #expect(await second.value == .cancelled)
        #expect(client.figures.connections == 1)
        #expect(server.connectionCount == 1)
        first.cancel()
        #expect(await first.value == .cancelled)
        await client.shutdown()
    }

    @Test func `shutting down cancels what runs, what waits and what comes later`() async throws {
        let events = Events()
        let server = try Self.silent(events)
        defer { server.stop() }
        let client = try CurlClient(options: CurlOptions(maximumConnections: 2))
        let tasks = (0..<6).map { _ in Task { await Self.outcome(client, server.url) } }
        for _ in 0..<2 { #expect(await events.next() == "came") }
        await client.shutdown()
        for task in tasks { #expect(await task.value == .cancelled) }
        #expect(await Self.outcome(client, server.url) == .cancelled)
        #expect(client.figures.connections == 0)
        await client.shutdown()
    }

    @Test func `the thread ends with the last reference to its client`() async throws {
        var client: CurlClient? = try CurlClient()
        let inbox = try #require(client).inbox
        client = nil
        await inbox.waitForEnd()
    }

    @Test func `a hundred cancelled requests leave nothing behind`() async throws {
        let server = try RawServer.answering { connection, _, _ in connection.answer(200, "") }
        defer { server.stop() }
        let client = try CurlClient(options: CurlOptions(maximumConnections: 4))
        await withTaskGroup(of: DestinationError?.self) { group in
            for number in 0..<100 {
                group.addTask {
                    let task = Task { await Self.outcome(client, server.url) }
                    if number % 2 == 0 { task.cancel() }
                    return await task.value
                }
            }
            for await error in group { #expect(error == nil || error == .cancelled) }
        }
        #expect(client.figures.connections == 0)
        #expect(await Self.outcome(client, server.url) == nil)
        await client.shutdown()
    }
}
