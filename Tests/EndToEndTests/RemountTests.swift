import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// What stat(2) and listxattr(2) tell is kept in the journal.
    @Suite struct RemountTests {
        /// In a directory of the mount, and in a plain one.
        private static let script = """
            umask 022; mkdir -p d/e sticky; head -c 5000 /dev/zero > 'a b'; printf x > d/e/x; truncate -s 3M d/hole
            ln -s '../a b' d/link; ln 'a b' d/e/name; : > empty
            chmod 4751 'a b'; chmod 600 d/e/x; chmod 1777 sticky; chmod 2750 d; chown 12:34 d/e/x sticky; chown -h 5:6 d/link
            setfattr -n user.one -v 1 'a b'; setfattr -n user.bin -v 0x00ff0a d/e/x; setfattr -n user.d -v dir d
            setfattr -n user.gone -v 1 empty; setfattr -x user.gone empty
            touch -h -d '2001-02-03 04:05:06.123456789' d/link; touch -a -d '1969-12-31 23:59:58.5' d/e/x
            touch -m -d '2038-01-20 00:00:00.000000001' d/e/x; touch -d '2010-10-10 10:10:10.1' 'a b' d/hole empty d/e d sticky
            """

        /// All but ctime, and what of a directory is the filesystem's own affair.
        private static let listing = """
            find . -path ./.uploadfs -prune -o -mindepth 1 -type d -printf '%P %y %m %U %G %T@\\n' \
            -o -mindepth 1 -printf '%P %y %m %U %G %s %A@ %T@ %n %l\\n' | LC_ALL=C sort
            find . -mindepth 1 -type f,d | LC_ALL=C sort | tr '\\n' '\\0' | xargs -0 getfattr -e hex -m '^user\\.[^u]' -d
            find . -type f | LC_ALL=C sort | tr '\\n' '\\0' | xargs -0 md5sum; test 'a b' -ef d/e/name && echo same
            """

        @Test("After kill -9 each attribute of each file is what a plain directory has", .timeLimit(.minutes(1)))
        func attributes() throws {
            let scene = try Scene()
            let server = try scene.server()
            let plain = scene.directory.file("plain")
            try Shell.must("mkdir \(plain) && cd \(plain) && \(Self.script)")
            let wanted = try Shell.must("cd \(plain) && \(Self.listing)")
            do {
                let mount = try scene.mount(server.port)
                #expect(try Binary.run("pause", mount.mountpoint).code == 0)
                try Shell.must("cd \(mount.mountpoint) && \(Self.script)")
                #expect(try Shell.must("cd \(mount.mountpoint) && \(Self.listing)") == wanted)
                _ = mount.kill()
            }
            let mount = try scene.mount(server.port)
            #expect(try Shell.must("cd \(mount.mountpoint) && \(Self.listing)") == wanted)
            try mount.waitForAll()
            #expect(wanted.contains("user.bin=0x00ff0a") && wanted.hasSuffix("same\n"))
        }
    }
}
