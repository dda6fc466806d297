import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// A directory of very many keys, from a bucket that makes them up. `UPLOADFS_LISTING=1000000` lists so many.
    @Suite struct BigListingTests {
        private static let count =
            ProcessInfo.processInfo.environment["UPLOADFS_LISTING"].flatMap { Int($0) } ?? 50_000

        /// The bucket: one directory, pages of 1,000 keys. Tells when the last page was asked for.
        private static let bucket = #"""
            import http.server, sys, urllib.parse
            count = int(sys.argv[1])
            class Bucket(http.server.BaseHTTPRequestHandler):
                protocol_version = "HTTP/1.1"
                rounds = 0
                def do_GET(self):
                    query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
                    prefix = query.get("prefix", [""])[0]
                    if prefix.startswith("pre/big/"):
                        # All of them, or one that is asked for by itself.
                        name = prefix[len("pre/big/file-"):]
                        start = int(query.get("continuation-token", [name or "0"])[0]) if name.isdigit() or not name \
                            else count
                        end = min(start + (1 if name else 1000), count)
                        text = "".join("<Contents><Key>pre/big/file-%07d</Key><LastModified>2026-01-02T03:04:05.000Z"
                            "</LastModified><ETag>&quot;%032x&quot;</ETag><Size>%d</Size><StorageClass>STANDARD"
                            "</StorageClass></Contents>" % (n, n, n) for n in range(start, end))
                        if name: pass
                        elif end < count: text += "<IsTruncated>true</IsTruncated><NextContinuationToken>%d" \
                            "</NextContinuationToken>" % end
                        else:
                            Bucket.rounds += 1
                            print("last page of round %d" % Bucket.rounds, flush=True)
                    else: text = "<CommonPrefixes><Prefix>pre/big/</Prefix></CommonPrefixes>"
                    body = ("<ListBucketResult>%s</ListBucketResult>" % text).encode()
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                def log_message(self, *_): pass
            server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
            print("port %d" % server.server_address[1], flush=True)
            server.serve_forever()
            """#

        @Test(
            "A directory of very many keys: memory does not grow with them, and what each takes is told",
            .timeLimit(.minutes(20)))
        func big() throws {
            let count = Self.count
            let scene = try Scene()
            let bucket = try Program("/usr/bin/env", ["python3", "-c", Self.bucket, "\(count)"])
            defer { bucket.end(within: 1) }
            let port = try #require(Int(try bucket.line(with: "port ").filter(\.isNumber)))
            let mount = try Mounted(
                "s3://bucket/pre?endpoint=http://127.0.0.1:\(port)", at: scene.directory.file("mount"),
                state: scene.directory.file("state"), options: ["--list", "--list-refresh", "1s"],
                environment: BucketKeys.environment, limit: 1200, in: scene.directory)
            try Shell.must("ls \(mount.mountpoint)")
            let before = try mount.residentMemory()
            for round in 1...2 {
                let began = ContinuousClock.now
                #expect(try Shell.run("stat \(mount.path("big/none-\(round)"))").code != 0)
                if round == 1 { try Shell.must("stat \(mount.path("big/file-0000042")) > /dev/null") }
                print("listing: one name was looked up in \(began.duration(to: .now))")
                _ = try bucket.line(with: "last page of round \(round)", within: 1000)
                try Shell.must("until ! grep -q '^LISTING' \(mount.path(".uploadfs/status")); do :; done", within: 600)
                let time = began.duration(to: .now)
                print(
                    "listing: round \(round) of \(count) keys took \(time), \(time / count) each; \(try mount.residentMemory() >> 20) MiB "
                        + "resident, before \(before >> 20), at most \(try mount.peakMemory() >> 20)")
            }
            let grown = try mount.peakMemory() - before
            #expect(grown < 64 << 20, "\(grown >> 20) MiB")
            #expect(try Shell.must("ls -U \(mount.path("big")) | wc -l", within: 600) == "\(count)\n")
            let journal = try Shell.must("du -cb \(scene.directory.file("state"))/journal.sqlite* | tail -1 | cut -f1")
            print(
                "listing: read by ls: \(try mount.residentMemory() >> 20) MiB resident; journal \((Int(journal.dropLast()) ?? 0) / count) "
                    + "bytes each")
        }
    }
}
