import Testing

@testable import UploadTransfer

struct TransferQueueTests {
    private let one = Authority(of: "http://one/")
    private let other = Authority(of: "http://other/")

    @Test func `first come, first served`() {
        var queue = TransferQueue<String>(maximum: 2, maximumPerHost: 2)
        func next() -> String? { queue.next()?.item }
        for (id, name) in ["a", "b", "c"].enumerated() { queue.add(name, id: UInt64(id), host: one) }
        #expect(next() == "a")
        #expect(next() == "b")
        #expect(next() == nil)
        queue.finished(host: one)
        #expect(next() == "c")
    }

    @Test func `a host that is full holds up nobody else`() {
        var queue = TransferQueue<String>(maximum: 3, maximumPerHost: 1)
        func next() -> String? { queue.next()?.item }
        for (id, name) in ["a", "b"].enumerated() { queue.add(name, id: UInt64(id), host: one) }
        queue.add("c", id: 9, host: other)
        #expect(next() == "a")
        #expect(next() == "c")
        #expect(next() == nil)
        queue.finished(host: one)
        #expect(next() == "b")
    }

    @Test func `who leaves the queue is not served`() {
        var queue = TransferQueue<String>(maximum: 1, maximumPerHost: 1)
        func next() -> String? { queue.next()?.item }
        queue.add("a", id: 1, host: one)
        queue.add("b", id: 2, host: one)
        let removed = [queue.remove(id: 1), queue.remove(id: 1)]
        #expect(removed == ["a", nil])
        #expect(next() == "b")
        queue.add("c", id: 3, host: one)
        let rest = queue.removeAll()
        #expect(rest == ["c"])
    }

    @Test(
        arguments: [
            ("http://Example.org/a:b", "example.org", nil, false),
            ("https://user:pass@h:8443?x", "h", "8443", false),
            ("http://127.0.0.1:80", "127.0.0.1", "80", true),
            ("http://[::1]:8080/x", "::1", "8080", true),
            ("http://localhost", "localhost", nil, true),
            ("nonsense", "nonsense", nil, false),
        ] as [(String, String, String?, Bool)])
    func `the authority of a URL`(url: String, host: String, port: String?, loopback: Bool) {
        let authority = Authority(of: url)
        #expect(authority.host == host)
        #expect(authority.port == port)
        #expect(authority.isLoopback == loopback)
    }

    @Test(arguments: [
        ("http://169.254.169.254/latest", true), ("http://[fd00:ec2::23]/v1", true), ("http://10.0.0.1", false),
        ("http://[fd00::1]", false), ("http://127.0.0.1", false),
    ])
    func `what lies on this machine's own link is asked without a proxy`(url: String, isLinkLocal: Bool) {
        #expect(Authority(of: url).isLinkLocal == isLinkLocal)
    }
}
