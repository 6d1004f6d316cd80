//! Backups as operators practise them: taken while people write, and brought back on another machine.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use tokio::{task::spawn_blocking, time::sleep};

use super::{
    people::{Member, done},
    *,
};

/// Somebody's writes that were acknowledged: title and id.
type Written = Vec<(String, Value)>;

/// Writes under keys of its own until it is told to stop.
async fn writes_on(person: &Member<'_>, name: &str, end: &AtomicBool, begun: &AtomicBool) -> (Written, Written) {
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for number in 0.. {
        let title = format!("{name} {number:03}");
        let is_before = !begun.load(Ordering::SeqCst);
        let id = writes_once(person, &title).await;
        // Only what was answered before the backup began must be in it.
        if is_before && !begun.load(Ordering::SeqCst) {
            &mut before
        } else {
            &mut after
        }
        .push((title, id));
        if end.load(Ordering::SeqCst) {
            break;
        }
    }
    (before, after)
}

/// A project under a key that says its title.
async fn writes_once(person: &Member<'_>, title: &str) -> Value {
    let key = title.replace(' ', "-");
    let answer = person
        .does_once(&key, "projectCreate", &person.project(title), "project { id }")
        .await;
    done(&answer.unwrap()["data"]["projectCreate"]).unwrap()["id"].clone()
}

/// A command that an operator gives while other things go on.
async fn meanwhile(host: &Process, arguments: &[&str]) -> Output {
    let mut command = host.command(arguments);
    spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

async fn is_known(host: &Process, id: &Value) -> bool {
    let query = "query($id: ID!) { node(id: $id) { id } }";
    let reader = host.member("reader", "champion");
    !reader.asks(query, json!({ "id": id })).await["node"].is_null()
}

on_each_database! {
    async fn a_backup_of_a_busy_host_comes_back_on_another_machine(backend) {
        let (hub, [leeds, hull]) = network(backend, ["leeds", "hull"]).await;
        let ana = leeds.champion("ana", "champion").await;
        let card = ana.card().await;
        let lead = leeds.champion("lead", "project_lead").await;
        let (begun, end) = (AtomicBool::new(false), AtomicBool::new(false));
        let file = leeds.new_backup();
        let names = ["Ash", "Birch", "Cedar"];
        let [ash, birch, cedar] = names.map(|name| writes_on(&lead, name, &end, &begun));
        let backup = async {
            until("much is written", async || (titles(&leeds, "leeds").await.len() > 10).then_some(())).await;
            begun.store(true, Ordering::SeqCst);
            let made = meanwhile(&leeds, &["backup", text(&file)]).await;
            end.store(true, Ordering::SeqCst);
            made
        };
        let (ash, birch, cedar, made) = tokio::join!(ash, birch, cedar, backup);
        assert!(made.status.success(), "{made:?}");
        let told = String::from_utf8(made.stdout).unwrap();
        assert!(told.lines().count() == 1 && told.contains("rows in"), "{told}");
        assert!(made.stderr.is_empty(), "no bar is drawn where nobody looks");
        ana.does("championErase", card.clone(), "champion { id }").await;
        lead.writes("Lost").await;
        in_step(&hub, &leeds).await;
        in_step(&hull, &leeds).await;
        leeds.dies();

        let found = leeds.elsewhere().await;
        let restored = meanwhile(&found, &["restore", text(&file)]).await;
        assert!(restored.status.success(), "{restored:?}");
        let told = String::from_utf8(restored.stderr).unwrap();
        assert!(told.contains("no list of the erased") && told.contains("no tally"), "{told}");
        fs::copy(leeds.ledger(), found.ledger()).unwrap();
        found.starts();
        let lead = found.member("lead", "project_lead");
        let kept = titles(&found, "leeds").await;
        for (title, id) in [&ash.0, &birch.0, &cedar.0].into_iter().flatten() {
            assert!(kept.contains(title), "{title} was acknowledged before the backup began");
            assert_eq!(writes_once(&lead, title).await, *id, "its key still holds");
        }
        let all = [&ash.1, &birch.1, &cedar.1].into_iter().flatten();
        let after = all.filter(|(title, _)| kept.contains(title)).count();
        assert_eq!(kept.len(), ash.0.len() + birch.0.len() + cedar.0.len() + after, "nothing is there twice");
        assert!(!is_known(&found, &card["id"]).await, "who was erased stays away");

        lead.writes("Anew").await;
        let kept = titles(&found, "leeds").await;
        for host in [&hub, &hull] {
            until("the network goes on with what came back", async || {
                (titles(host, "leeds").await == kept).then_some(())
            }).await;
            assert!(!is_known(host, &card["id"]).await);
        }
        in_step(&hull, &found).await;
    }
}

/// A host of one site that does not run, with a project in it.
async fn alone(backend: Backend) -> Process {
    let host = Process::new(backend, "leeds", None).await;
    host.does(&["site", "create", "--slug", "leeds", "--name", "Leeds"]);
    host.starts();
    host.champion("lead", "project_lead").await.writes("Garden").await;
    host.stops();
    host
}

/// What the operator is told when a restore comes to nothing.
async fn is_refused(host: &Process, file: &Path, more: &[&str]) -> String {
    let output = meanwhile(host, &[&["restore", text(file)], more].concat()).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// Whether nothing at all is in the database of a host.
async fn is_untouched(host: &Process, backend: Backend) -> bool {
    match backend {
        Backend::Sqlite => fs::read_dir(host.folder()).unwrap().count() == 1,
        Backend::Postgres => {
            host.told("SELECT COUNT(*)::text FROM pg_tables WHERE schemaname = 'public'")
                .await
                == "0"
        }
    }
}

on_each_database! {
    async fn a_backup_that_is_not_what_was_written_changes_nothing(backend) {
        let host = alone(backend).await;
        let file = host.backs_up();
        let empty = host.elsewhere().await;
        let whole = fs::read(&file).unwrap();
        let broken = host.folder().join("broken");
        // Each byte is tried in the tests of the file's form; here is what the operator sees.
        for at in [0, whole.len() / 3, whole.len() - 200, whole.len() - 30, whole.len() - 1] {
            let mut bytes = whole.clone();
            bytes[at] ^= 4;
            fs::write(&broken, &bytes).unwrap();
            let told = is_refused(&empty, &broken, &[]).await;
            assert!(told.contains("is damaged") || told.contains("is no backup"), "{told}");
        }
        for end in [0, 20, whole.len() / 2, whole.len() - 1] {
            fs::write(&broken, &whole[..end]).unwrap();
            let told = is_refused(&empty, &broken, &[]).await;
            assert!(told.contains("its end is missing"), "{told}");
        }
        let told = is_refused(&empty, &host.folder().join("nowhere"), &[]).await;
        assert!(told.contains("cannot be read"), "{told}");

        let other = match backend {
            Backend::Sqlite => Backend::Postgres,
            Backend::Postgres => Backend::Sqlite,
        };
        let told = is_refused(&empty, &alone(other).await.backs_up(), &[]).await;
        assert!(told.contains("is a backup of"), "{told}");

        host.suffers("INSERT INTO seaql_migrations (version, applied_at) VALUES ('m29990101_000001_later', 0)").await;
        let told = is_refused(&empty, &host.backs_up(), &[]).await;
        assert!(told.contains("m29990101_000001_later") && told.contains("use that one or a newer"), "{told}");

        assert!(is_untouched(&empty, backend).await, "nothing was changed");
        empty.does(&["restore", text(&file)]);
        empty.starts();
        assert_eq!(titles(&empty, "leeds").await, ["Garden"]);
    }
}

on_each_database! {
    async fn a_backup_takes_nobody_s_place_and_gives_it_back(backend) {
        let host = alone(backend).await;
        let file = host.backs_up();
        let kept = fs::read(&file).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "the keys are in it");
        let told = host.fails(&["backup", text(&file)]);
        assert!(told.contains("is there already"), "{told}");
        assert_eq!(fs::read(&file).unwrap(), kept);

        host.starts();
        host.member("lead", "project_lead").writes("Harbour").await;
        for replace in [&[][..], &["--replace"]] {
            let told = is_refused(&host, &file, replace).await;
            assert!(told.contains("already") || told.contains("in use"), "{told}");
        }
        assert_eq!(titles(&host, "leeds").await, ["Garden", "Harbour"], "it goes on");
        host.stops();
        assert!(is_refused(&host, &file, &[]).await.contains("--replace"));

        let later = host.backs_up();
        let history = "SELECT history FROM change_log";
        let mut histories = vec![host.told(history).await];
        for (backup, shown) in [(&file, &["Garden"][..]), (&later, &["Garden", "Harbour"])] {
            let told = host.does(&["restore", "--replace", text(backup)]);
            assert!(told.contains("what was there is"), "{told}");
            histories.push(host.told(history).await);
            host.starts();
            assert_eq!(titles(&host, "leeds").await, shown);
            host.dies();
        }
        histories.sort_unstable();
        histories.dedup();
        assert_eq!(histories.len(), 3, "who followed the lost days is told so");
        // What was put aside is in no later backup, and is still there.
        let last = host.backs_up();
        let empty = host.elsewhere().await;
        empty.does(&["restore", text(&last)]);
        match backend {
            Backend::Sqlite => {
                let names = names(host.folder());
                let aside = names.iter().filter(|name| name.starts_with("host.db.replaced-"));
                assert_eq!(aside.count(), 2, "{names:?}");
            }
            Backend::Postgres => {
                let aside = "SELECT COUNT(*)::text FROM pg_namespace WHERE nspname LIKE 'replaced%'";
                assert_eq!((host.told(aside).await, empty.told(aside).await), ("2".to_owned(), "0".to_owned()));
            }
        }
    }
}

/// A file that is no database any more can be replaced too.
#[tokio::test]
async fn a_damaged_database_is_put_aside_with_what_belongs_to_it() {
    let host = alone(Backend::Sqlite).await;
    let file = host.backs_up();
    let database = host.folder().join("host.db");
    fs::write(
        &database,
        "no database, and long enough to be read as one: ".repeat(200),
    )
    .unwrap();
    fs::write(host.folder().join("host.db-wal"), "of the other").unwrap();
    let told = host.fails(&["backup", text(&host.new_backup())]);
    assert!(told.contains("not a database"), "{told}");

    host.does(&["restore", "--replace", text(&file)]);
    host.starts();
    assert_eq!(titles(&host, "leeds").await, ["Garden"]);

    host.dies();
    fs::remove_file(&database).unwrap();
    assert!(
        is_refused(&host, &file, &[])
            .await
            .contains("something that belongs to it")
    );
}

/// A command that can make no file longer than this: the disk is full then.
async fn on_a_full_disk(host: &Process, arguments: &[&str]) -> Output {
    let command = host.command(arguments);
    let mut shell = Command::new("sh");
    // Room for what SQLite keeps beside a database that it reads, and for no database.
    shell.args(["-c", "trap '' XFSZ; ulimit -f 100; exec \"$0\" \"$@\""]);
    shell.arg(command.get_program()).args(command.get_args());
    shell.current_dir(host.folder());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    spawn_blocking(move || shell.output().unwrap()).await.unwrap()
}

/// The names of files in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort_unstable();
    names
}

on_each_database! {
    async fn a_full_disk_leaves_no_backup_and_no_database_behind(backend) {
        let host = alone(backend).await;
        let file = host.new_backup();
        let made = on_a_full_disk(&host, &["backup", text(&file)]).await;
        assert_eq!(made.status.code(), Some(1), "{made:?}");
        assert!(made.stdout.is_empty() && made.stderr.starts_with(b"champion-network: "), "{made:?}");
        assert!(!names(host.folder()).iter().any(|name| name.starts_with("backup")), "{:?}", names(host.folder()));

        host.does(&["backup", text(&file)]);
        let empty = host.elsewhere().await;
        if backend == Backend::Sqlite {
            let restored = on_a_full_disk(&empty, &["restore", text(&file)]).await;
            assert_eq!(restored.status.code(), Some(1), "{restored:?}");
            let told = String::from_utf8(restored.stderr).unwrap();
            assert!(told.contains("cannot be unpacked"), "{told}");
        }
        assert!(is_untouched(&empty, backend).await, "nothing was changed");
    }
}

on_each_database! {
    async fn a_restore_that_is_killed_has_changed_nothing_or_all(backend) {
        const LOOKS: u32 = 6;
        let host = alone(backend).await;
        let one = host.backs_up();
        host.starts();
        host.member("lead", "project_lead").writes("Harbour").await;
        host.stops();
        let two = host.backs_up();
        let begun = Instant::now();
        host.does(&["restore", "--replace", text(&one)]);
        let (longest, mut there, mut cut_off) = (begun.elapsed(), "1", 0);
        for look in 1..=LOOKS {
            let (file, next) = if there == "1" { (&two, "2") } else { (&one, "1") };
            let mut command = host.command(&["restore", "--replace", text(file)]);
            let mut running = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            sleep(longest * look / LOOKS).await;
            let has_ended = running.try_wait().unwrap().is_some();
            running.kill().unwrap();
            running.wait().unwrap();
            cut_off += u32::from(!has_ended);

            let left = host.left_behind().await;
            let found = left.told("SELECT CAST(COUNT(*) AS text) FROM project").await;
            left.server.0.database.close().await.unwrap();
            assert!(found == next || found == there && !has_ended, "{found} after {there}, has ended: {has_ended}");
            there = next;
            if found != next {
                host.does(&["restore", "--replace", text(file)]);
            }
        }
        assert!(cut_off > 0, "none was cut off");
        host.starts();
        assert_eq!(titles(&host, "leeds").await, ["Garden"]);
    }
}
