import Foundation
import GRDB
import Glibc
import UploadCore

extension SQLiteJournal {
    /// Brings the schema up to date and makes the root directory.
    static func migrate(_ writer: DatabaseQueue, now: Timestamp) throws {
        let migrator = migrator
        guard try !writer.read(migrator.hasBeenSuperseded) else { throw JournalError.newer }
        try migrator.migrate(writer)
        let attributes = NodeAttributes(
            mode: 0o700, owner: geteuid(), group: getegid(), accessed: now, modified: now, changed: now)
        let root = NodeRecord(file: .root, parent: .root, name: nil, kind: .directory, attributes: attributes)
        try writer.write { try insert(root, into: $0) }
    }

    /// Each migration is frozen once it is published: a change is a new one below the others.
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1: tree, uploads, facts") { database in
            for statement in [tree, uploads, counters] { try database.execute(sql: statement) }
        }
        migrator.registerMigration("2: durability, eviction") { database in
            try database.execute(sql: durability)
        }
        migrator.registerMigration("3: symbolic links") { database in
            try database.execute(sql: links)
        }
        migrator.registerMigration("4: hard links") { database in
            try database.execute(sql: hardLinks)
            for link in try Row.fetchAll(database, sql: "SELECT file, target FROM node WHERE kind = 2") {
                let target: Data = try link.decode(atIndex: 1)
                try noteSteps(of: link.decode(atIndex: 0), to: Array(target), in: database)
            }
        }
        migrator.registerMigration("intentions") { database in
            try database.execute(sql: intentions)
        }
        migrator.registerMigration("moves") { database in
            try database.execute(sql: moves)
        }
        migrator.registerMigration("readable") { database in
            try database.execute(sql: tags)
        }
        migrator.registerMigration("5: listing") { database in
            try database.execute(sql: listing)
        }
        return migrator
    }

    /// TEXT compares with memcmp (BINARY), so names differ when their bytes do. A foreign key that is
    /// deferred lets one `apply` name changes in any order.
    private static let tree = """
        CREATE TABLE node (
            file INTEGER PRIMARY KEY,
            parent INTEGER NOT NULL REFERENCES node(file) DEFERRABLE INITIALLY DEFERRED,
            name TEXT,
            kind INTEGER NOT NULL CHECK (kind IN (0, 1)),
            mode INTEGER NOT NULL CHECK (mode BETWEEN 0 AND 4095),
            uid INTEGER NOT NULL,
            gid INTEGER NOT NULL,
            atime INTEGER NOT NULL,
            mtime INTEGER NOT NULL,
            ctime INTEGER NOT NULL,
            size INTEGER NOT NULL CHECK (size >= 0),
            version INTEGER,
            published INTEGER NOT NULL CHECK (published IN (0, 1)),
            UNIQUE (parent, name),
            CHECK ((file = 1) = (name IS NULL)),
            CHECK ((file = 1) = (file = parent)),
            CHECK (name NOT IN ('', '.', '..')),
            CHECK (kind = 1 OR (version IS NULL AND size = 0 AND published = 0))
        ) STRICT;
        CREATE TRIGGER root_stays BEFORE DELETE ON node WHEN OLD.file = 1
        BEGIN SELECT RAISE(ABORT, 'the root directory stays'); END;

        CREATE TABLE xattr (
            file INTEGER NOT NULL REFERENCES node(file) ON DELETE CASCADE,
            name TEXT NOT NULL,
            value BLOB NOT NULL,
            PRIMARY KEY (file, name)
        ) STRICT, WITHOUT ROWID;
        """

    /// `file` is no foreign key: an upload outlives its node until the destination was told.
    /// A schedule of another kind keeps its numbers in columns that its migration adds.
    private static let uploads = """
        CREATE TABLE upload (
            version INTEGER PRIMARY KEY,
            file INTEGER NOT NULL,
            phase TEXT NOT NULL CHECK (phase IN ('receiving', 'interrupted', 'held', 'ignored', 'queued',
                'uploading', 'finalizing', 'waiting', 'done', 'failed', 'cancelled')),
            closed_size INTEGER CHECK (closed_size >= 0),
            schedule_kind TEXT NOT NULL,
            schedule_size INTEGER NOT NULL CHECK (schedule_size > 0),
            content_type TEXT NOT NULL,
            session TEXT,
            created INTEGER NOT NULL,
            closed INTEGER,
            finished INTEGER,
            retries INTEGER NOT NULL CHECK (retries >= 0),
            receipt_url TEXT,
            receipt_size INTEGER CHECK (receipt_size >= 0),
            receipt_digest TEXT,
            published_at INTEGER,
            failure_code TEXT,
            failure_reason TEXT,
            failure_remedy TEXT,
            CHECK ((receipt_url IS NULL) = (receipt_size IS NULL)
                AND (receipt_url IS NULL) = (receipt_digest IS NULL)),
            CHECK ((failure_code IS NULL) = (failure_reason IS NULL)
                AND (failure_code IS NULL) = (failure_remedy IS NULL))
        ) STRICT;
        CREATE INDEX upload_of_file ON upload (file, version);
        CREATE INDEX upload_unfinished ON upload (version) WHERE phase NOT IN ('done', 'cancelled');

        CREATE TABLE chunk (
            version INTEGER NOT NULL REFERENCES upload(version) ON DELETE CASCADE,
            number INTEGER NOT NULL CHECK (number >= 0),
            length INTEGER NOT NULL CHECK (length >= 0),
            digest TEXT NOT NULL,
            PRIMARY KEY (version, number)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE owed_abort (session TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;
        """

    /// `durable` is the close whose bytes are on stable storage; `spooled` and `released` say whose bytes
    /// are still in the spool. What no version before has marked is taken for durable.
    private static let durability = """
        ALTER TABLE upload ADD COLUMN durable INTEGER;
        ALTER TABLE upload ADD COLUMN spooled INTEGER NOT NULL DEFAULT 1 CHECK (spooled IN (0, 1));
        ALTER TABLE chunk ADD COLUMN released INTEGER NOT NULL DEFAULT 0 CHECK (released IN (0, 1));
        UPDATE upload SET durable = closed;
        CREATE INDEX upload_finished ON upload (finished) WHERE phase = 'done';
        CREATE INDEX upload_evictable ON upload (finished, version, receipt_size)
            WHERE phase = 'done' AND spooled = 1;
        """

    /// A kind more, and where it points. SQLite changes no CHECK, so the table is made anew, as its documentation of
    /// ALTER TABLE says: GRDB checks the foreign keys at the end of the migration.
    private static let links = """
        CREATE TABLE new_node (
            file INTEGER PRIMARY KEY,
            parent INTEGER NOT NULL REFERENCES node(file) DEFERRABLE INITIALLY DEFERRED,
            name TEXT,
            kind INTEGER NOT NULL CHECK (kind IN (0, 1, 2)),
            mode INTEGER NOT NULL CHECK (mode BETWEEN 0 AND 4095),
            uid INTEGER NOT NULL,
            gid INTEGER NOT NULL,
            atime INTEGER NOT NULL,
            mtime INTEGER NOT NULL,
            ctime INTEGER NOT NULL,
            size INTEGER NOT NULL CHECK (size >= 0),
            version INTEGER,
            published INTEGER NOT NULL CHECK (published IN (0, 1)),
            target BLOB,
            UNIQUE (parent, name),
            CHECK ((file = 1) = (name IS NULL)),
            CHECK ((file = 1) = (file = parent)),
            CHECK (name NOT IN ('', '.', '..')),
            CHECK ((kind = 2) = (target IS NOT NULL)),
            CHECK (kind = 1 OR (version IS NULL AND published = 0)),
            CHECK (kind <> 0 OR size = 0)
        ) STRICT;
        INSERT INTO new_node SELECT *, NULL FROM node;
        DROP TABLE node;
        ALTER TABLE new_node RENAME TO node;
        CREATE TRIGGER root_stays BEFORE DELETE ON node WHEN OLD.file = 1
        BEGIN SELECT RAISE(ABORT, 'the root directory stays'); END;
        """

    /// Further names of a node, which stays as long as it has one. Symbolic links may be published, too: `link_step`
    /// has every name that a target goes through.
    private static let hardLinks = """
        CREATE TABLE new_node (
            file INTEGER PRIMARY KEY,
            parent INTEGER NOT NULL REFERENCES node(file) DEFERRABLE INITIALLY DEFERRED,
            name TEXT,
            kind INTEGER NOT NULL CHECK (kind IN (0, 1, 2)),
            mode INTEGER NOT NULL CHECK (mode BETWEEN 0 AND 4095),
            uid INTEGER NOT NULL,
            gid INTEGER NOT NULL,
            atime INTEGER NOT NULL,
            mtime INTEGER NOT NULL,
            ctime INTEGER NOT NULL,
            size INTEGER NOT NULL CHECK (size >= 0),
            version INTEGER,
            published INTEGER NOT NULL CHECK (published IN (0, 1)),
            target BLOB,
            hard_link INTEGER REFERENCES node(file) DEFERRABLE INITIALLY DEFERRED,
            names INTEGER NOT NULL DEFAULT 1,
            declined INTEGER,
            given INTEGER,
            UNIQUE (parent, name),
            CHECK ((file = 1) = (name IS NULL)),
            CHECK ((file = 1) = (file = parent)),
            CHECK (name NOT IN ('', '.', '..')),
            CHECK ((kind = 2) = (target IS NOT NULL)),
            CHECK (kind <> 0 OR (version IS NULL AND published = 0 AND size = 0)),
            CHECK (hard_link IS NULL OR (kind <> 0 AND hard_link <> file)),
            CHECK (names = 1 OR (names > 1 AND kind <> 0 AND hard_link IS NULL))
        ) STRICT;
        INSERT INTO new_node SELECT *, NULL, 1, NULL, NULL FROM node;
        DROP TABLE node;
        ALTER TABLE new_node RENAME TO node;
        CREATE TRIGGER root_stays BEFORE DELETE ON node WHEN OLD.file = 1
        BEGIN SELECT RAISE(ABORT, 'the root directory stays'); END;
        CREATE INDEX node_hard_link ON node (hard_link) WHERE hard_link IS NOT NULL;
        CREATE INDEX node_symbolic_link ON node (file) WHERE kind = 2;

        CREATE TABLE link_step (
            step TEXT NOT NULL,
            file INTEGER NOT NULL REFERENCES node(file) ON DELETE CASCADE,
            PRIMARY KEY (step, file)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX link_step_of ON link_step (file);
        """

    /// Uploads of chunks that are about to be begun (`BeginIntention`): a row for each that has no answer yet.
    private static let intentions = """
        CREATE TABLE intention (
            number INTEGER PRIMARY KEY,
            path TEXT NOT NULL CHECK (path <> ''),
            time INTEGER NOT NULL
        ) STRICT;
        """

    /// What tells a published object from others of its name. Of those before, nobody has kept it.
    private static let tags = "ALTER TABLE upload ADD COLUMN receipt_tag TEXT CHECK (receipt_tag <> '')"

    /// What listings of the destination tell of nodes (`ListingJournal`). What was published before any was begun is
    /// known to be there as of none.
    private static let listing = """
        ALTER TABLE counter ADD COLUMN last_listing INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE node ADD COLUMN listed INTEGER;
        ALTER TABLE node ADD COLUMN tag TEXT CHECK (tag IS NULL OR kind = 1);
        ALTER TABLE node ADD COLUMN looked_into INTEGER CHECK (looked_into IS NULL OR kind = 0);
        UPDATE node SET listed = 0 WHERE published = 1;
        """

    /// One row: numbers that must outlive the rows they were counted from.
    private static let counters = """
        CREATE TABLE counter (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            highest_file INTEGER NOT NULL,
            highest_version INTEGER NOT NULL,
            finished_files INTEGER NOT NULL CHECK (finished_files >= 0),
            finished_bytes INTEGER NOT NULL CHECK (finished_bytes >= 0)
        ) STRICT;
        INSERT INTO counter VALUES (1, 0, 0, 0, 0);

        CREATE TABLE fact (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
        """
}
