import Foundation
import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// Hard links, and symbolic links with `--follow-symlinks`: what of them arrives.
    @Suite struct LinkTests {
        @Test("A hard link is one more published name, and each close is published under all of them")
        func hardLinks() throws {
            let scene = try Scene()
            let server = try scene.server()
            let mount = try scene.mount(server.port)
            try scene.randomFile("film", mebibytes: 5)
            try Shell.must(
                """
                cd \(mount.mountpoint) && mkdir d && cp \(scene.source)/film film && ln film d/copy && \
                echo text > a && ln a b && ln b d/c && test $(stat -c %h a) = 3 && \
                (exec 3> open; echo one >&3; ln open linked; echo two >&3) && \
                echo whole > page.part && ln page.part page && rm page.part
                """)
            try mount.waitForAll()
            try Shell.must(
                """
                cmp \(scene.source)/film \(server.file("film")) && cmp \(scene.source)/film \(server.file("d/copy"))
                cd \(scene.directory.file("received")) && test "$(cat a b d/c | sort -u)" = text && \
                cmp open linked && test $(wc -l < linked) = 2 && cat page && test ! -e page.part
                """)
            // Published under all names, and changed through one of them, in place.
            try Shell.must("echo more >> \(mount.path("d/c"))")
            try mount.waitForAll()
            try Shell.must(
                "cd \(scene.directory.file("received")) && cmp a b && cmp b d/c && test $(wc -l < b) = 2")
            try Shell.must("cat \(mount.path(".uploadfs/wait/d/c")) | grep -q /files/d/c")
            // What was given to each name is not kept for it once it is there.
            let versions = try Shell.must("ls \(scene.directory.file("state"))/spool").split(separator: "\n")
            #expect(versions.count == 4, "\(versions)")
        }

        @Test("After kill -9 all names are there, and what was closed is published under each", .timeLimit(.minutes(2)))
        func killed() throws {
            let scene = try Scene()
            let server = try scene.server()
            try scene.randomFile("film", mebibytes: 20)
            do {
                let mount = try scene.mount(server.port)
                #expect(try Binary.run("pause", mount.mountpoint).0 == 0)
                try Shell.must(
                    """
                    cd \(mount.mountpoint) && cp \(scene.source)/film a && ln a b && ln a c && mv c renamed && rm a && \
                    setfattr -n user.kept -v yes b && chmod 640 renamed
                    """)
                #expect(mount.kill() == 128 + SIGKILL)
            }
            let mount = try scene.mount(server.port)
            try Shell.must(
                """
                cd \(mount.mountpoint) && test "$(ls)" = "$(printf 'b\\nrenamed')" && \
                test $(stat -c %h:%a b) = 2:640 && test $(stat -c %i b) = $(stat -c %i renamed) && \
                getfattr --only-values -n user.kept renamed
                """)
            try mount.waitForAll()
            for name in ["b", "renamed"] { try Shell.must("cmp \(scene.source)/film \(server.file(name))") }
            #expect(!FileManager.default.fileExists(atPath: server.file("a")))
        }

        @Test("With --follow-symlinks a link arrives as the file that it leads to; without, nothing of it does")
        func followed() throws {
            let scene = try Scene()
            let server = try scene.server()
            let script =
                """
                mkdir d && ln -s d/late early && ln -s /etc/hostname outside && ln -s d dir && ln -s none dangling && \
                echo text > d/late.part && mv d/late.part d/late && ln -s late d/link && \
                ln -s "$PWD/d/link" absolute
                """
            let mount = try scene.mount(server.port, ["--follow-symlinks"])
            try Shell.must("cd \(mount.mountpoint) && \(script)")
            try mount.waitForAll()
            let list = "find . -type f -not -path './.incoming/*' -printf '%P ' | xargs -n1 | sort | xargs"
            let received = scene.directory.file("received")
            #expect(try Shell.must("cd \(received) && \(list)") == "absolute d/late d/link early\n")
            #expect(try Shell.must("cd \(received) && cat absolute d/link early") == "text\ntext\ntext\n")
            try Shell.must("grep -q /files/early$ \(mount.path(".uploadfs/wait/early"))")
            try Shell.must("echo more >> \(mount.path("early"))")
            try mount.waitForAll()
            #expect(try Shell.must("cd \(received) && tail -qn1 absolute d/late d/link early | uniq") == "more\n")
            #expect(try Shell.must("readlink \(mount.path("early"))") == "d/late\n")
        }
    }
}
