//! `outreach console` as a process of its own, and a browser without a screen: a cookie, forms and files.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use super::{Ended, Running, SandboxProcess, Scratch, wait_until};

/// A running console. Killed when dropped.
pub(crate) struct ConsoleProcess {
    pub(crate) address: SocketAddr,
    process: Running,
}

impl ConsoleProcess {
    /// One in which nobody is messaged.
    pub(crate) fn sandbox(scratch: &Scratch) -> Self {
        Self::start(scratch, &["--sandbox"])
    }

    /// One that messages the people of a sandbox.
    pub(crate) fn of(scratch: &Scratch, sandbox: &SandboxProcess, arguments: &[&str]) -> Self {
        let url = ["--base-url", sandbox.base_url()];
        Self::start(scratch, &[&url[..], arguments].concat())
    }

    /// One with these arguments.
    pub(crate) fn start(scratch: &Scratch, arguments: &[&str]) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = free.local_addr().expect("its address");
        drop(free);
        let console = scratch.outreach(&["console", "--listen", &address.to_string()]);
        let process = console.with(arguments).start();
        wait_until("the console listens", || process.printed().ends_with('\n'));
        Self { address, process }
    }

    /// What it printed on standard output.
    pub(crate) fn printed(&self) -> String {
        self.process.printed()
    }

    /// The link that it printed last.
    pub(crate) fn link(&self) -> String {
        let (printed, said) = (self.process.printed(), self.process.said());
        let words = printed.split_whitespace().chain(said.split_whitespace());
        let mut links = words.filter(|word| word.contains("/sign-in?key="));
        links.next_back().expect("a link").to_owned()
    }

    /// Somebody who is signed in.
    pub(crate) fn visitor(&self) -> Visitor {
        let mut visitor = self.stranger();
        let link = self.link();
        let path = link
            .split_once(&self.address.to_string())
            .expect("a path")
            .1;
        let answer = visitor.get(path);
        assert_eq!(answer.status, 303, "{}", answer.text());
        let cookie = answer.header("set-cookie").expect("a cookie");
        let (pair, how) = cookie.split_once(';').expect("how it is kept");
        assert!(
            how.contains("HttpOnly") && how.contains("SameSite=Strict"),
            "{how}"
        );
        pair.clone_into(&mut visitor.cookie);
        wait_until("another link is printed", || self.link() != link);
        visitor
    }

    /// A user who signed in with the password.
    pub(crate) fn user(&self, name: &str, password: &str) -> Visitor {
        let mut visitor = self.stranger();
        let answer = visitor.post("/sign-in", &[("name", name), ("password", password)]);
        assert_eq!(answer.location(), "/");
        let cookie = answer.header("set-cookie").expect("a cookie");
        let (pair, how) = cookie.split_once(';').expect("how it is kept");
        assert!(
            how.contains("HttpOnly") && how.contains("SameSite=Strict"),
            "{how}"
        );
        pair.clone_into(&mut visitor.cookie);
        visitor
    }

    /// Somebody who is not.
    pub(crate) fn stranger(&self) -> Visitor {
        Visitor {
            address: self.address,
            cookie: String::new(),
        }
    }

    /// Somebody whom an earlier console of another address signed in.
    pub(crate) fn returning(&self, earlier: &Visitor) -> Visitor {
        let (_, secret) = earlier.cookie.split_once('=').expect("a cookie");
        Visitor {
            address: self.address,
            cookie: format!("outreach_{}={secret}", self.address.port()),
        }
    }

    pub(crate) fn kill(&mut self) {
        assert!(self.process.kill(), "it ran");
    }

    /// Ends it as a service manager does.
    pub(crate) fn end(self) -> Ended {
        self.process.signal("TERM");
        self.process.wait()
    }
}

/// A browser without a screen.
#[derive(Clone)]
pub(crate) struct Visitor {
    address: SocketAddr,
    pub(crate) cookie: String,
}

/// What it was answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find_map(|(at, value)| at.eq_ignore_ascii_case(name).then_some(value))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Where it leads.
    #[track_caller]
    pub(crate) fn location(&self) -> String {
        assert_eq!(self.status, 303, "{}", self.text());
        self.header("location").expect("a place").to_owned()
    }
}

impl Visitor {
    /// Asks with these headers; a body as it is.
    pub(crate) fn ask(&self, what: &str, headers: &str, body: &[u8]) -> Answer {
        self.try_ask(what, headers, body).expect("an answer")
    }

    fn try_ask(&self, what: &str, headers: &str, body: &[u8]) -> std::io::Result<Answer> {
        let mut stream = TcpStream::connect(self.address)?;
        let host = if headers.contains("Host: ") {
            String::new()
        } else {
            format!("Host: {}\r\n", self.address)
        };
        let cookie = match self.cookie.as_str() {
            "" => String::new(),
            cookie => format!("Cookie: other=1; {cookie}\r\n"),
        };
        // Of the older version, so that the answer comes in one piece.
        let length = body.len();
        write!(
            stream,
            "{what} HTTP/1.0\r\n{host}{cookie}{headers}Content-Length: {length}\r\n\r\n"
        )?;
        // Who is refused early may be hung up on.
        let _ = stream.write_all(body);
        let mut whole = Vec::new();
        stream.read_to_end(&mut whole)?;
        let end = whole
            .windows(4)
            .position(|it| it == b"\r\n\r\n")
            .expect("a head");
        let head = String::from_utf8_lossy(&whole[..end]).into_owned();
        let status = head.split(' ').nth(1).expect("a status line");
        Ok(Answer {
            status: status.parse().expect("a number"),
            body: whole[end + 4..].to_vec(),
            head,
        })
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path}"), "", b"")
    }

    /// The page at a path, which is there.
    #[track_caller]
    pub(crate) fn page(&self, path: &str) -> String {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.text()
    }

    /// The token that a page's forms carry.
    pub(crate) fn token(&self) -> String {
        let page = self.page("/health");
        let (_, rest) = page.split_once("name=\"token\" value=\"").expect("a token");
        rest.split('"').next().expect("its end").to_owned()
    }

    /// Sends a form of the page, with what the page has put into it.
    pub(crate) fn send(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.token();
        let of_page =
            |(form, page): (&str, &str)| Some(format!("{}{page}", path.strip_suffix(form)?));
        let forms = [("/start", ""), ("/resolve", ""), ("/prepare", "/message")];
        let page = forms.into_iter().find_map(of_page);
        let shown = page.map(|page| self.shown_by(&page, path));
        let shown = shown.as_deref().map(|shown| ("shown", shown));
        let own: Vec<_> = [("token", token.as_str())]
            .into_iter()
            .chain(shown)
            .collect();
        self.post(path, &[&own[..], fields].concat())
    }

    /// What the form says that starts a batch from its page: nothing where there is none.
    pub(crate) fn shown(&self, page: &str) -> String {
        self.shown_by(page, &format!("{page}/start"))
    }

    /// What the form of a page says that is sent to `action`.
    pub(crate) fn shown_by(&self, page: &str, action: &str) -> String {
        let page = self.get(page).text();
        let form = page.split_once(&format!("action=\"{action}\""));
        let form = form.map_or("", |(_, form)| form);
        let from = form.split_once("name=\"shown\" value=\"");
        let value = from.and_then(|(_, rest)| rest.split('"').next());
        value.unwrap_or_default().to_owned()
    }

    /// Sends a form with these fields alone.
    pub(crate) fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let fields = fields
            .iter()
            .map(|(name, text)| format!("{name}={}", encoded(text)));
        let body = fields.collect::<Vec<_>>().join("&");
        let kind = "Content-Type: application/x-www-form-urlencoded\r\n";
        self.ask(&format!("POST {path}"), kind, body.as_bytes())
    }

    /// Uploads a file by the form at a path, with this token.
    pub(crate) fn upload(&self, path: &str, token: &str, name: &str, file: &[u8]) -> Answer {
        let name = name.replace('"', "%22");
        let mut body = format!(
            "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n"
        )
        .into_bytes();
        body.extend_from_slice(file);
        body.extend_from_slice(b"\r\n--edge--\r\n");
        let kind = "Content-Type: multipart/form-data; boundary=edge\r\n";
        self.ask(&format!("POST {path}?token={token}"), kind, &body)
    }

    /// Drops a list on the page; returns its own page.
    #[track_caller]
    pub(crate) fn drop_list(&self, name: &str, file: &[u8]) -> String {
        self.upload("/lists", &self.token(), name, file).location()
    }

    /// Writes the message of a list, and makes it a batch; returns the page of the batch.
    #[track_caller]
    pub(crate) fn prepare(&self, list: &str, message: &str, more: &[(&str, &str)]) -> String {
        let written = self.send(
            &format!("{list}/message"),
            &[&[("message", message)], more].concat(),
        );
        assert_eq!(written.status, 303, "{}", written.text());
        let page = self.page(&format!("{list}/message"));
        assert!(page.contains("Make it a batch"), "{page}");
        self.send(&format!("{list}/prepare"), more).location()
    }

    /// Waits until the page of a batch says this.
    pub(crate) fn wait_for(&self, path: &str, text: &str) -> String {
        let mut page = String::new();
        wait_until(text, || {
            page = self.page(path);
            page.contains(text)
        });
        page
    }

    /// Reads a stream of events until one has this text.
    pub(crate) fn watch(&self, path: &str, text: &str) {
        let mut stream = TcpStream::connect(self.address).expect("the console");
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\n\r\n",
            self.address, self.cookie
        )
        .expect("a request");
        stream
            .set_read_timeout(Some(super::PATIENCE))
            .expect("a bound");
        let (mut seen, mut piece) = (Vec::new(), [0; 4096]);
        let begin = std::time::Instant::now();
        while !String::from_utf8_lossy(&seen).contains(text) {
            let length = stream.read(&mut piece).expect("an event");
            let in_time = begin.elapsed() < super::PATIENCE;
            assert!(
                length > 0 && in_time,
                "it ended, or lasts: {}",
                String::from_utf8_lossy(&seen)
            );
            seen.extend_from_slice(&piece[..length]);
        }
    }
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut text, byte| {
        let _ = std::fmt::Write::write_fmt(&mut text, format_args!("%{byte:02X}"));
        text
    })
}
