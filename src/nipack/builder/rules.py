"""Every rule of the checks: what a code means, why it matters, how to fix it."""

from dataclasses import dataclass

from nipack.system.errors import Problem, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What stands behind a problem's code.

    `can_except`: a definition's `exceptions` can let it stay.  `stops_release`: a warning for a
    build, but an error for what is passed on to others.  `commands`: what each is for, and
    how it is typed for a file of the name in it.
    """

    code: str
    severity: Severity
    what: str
    why: str
    remedy: str
    can_except: bool = False
    stops_release: bool = False
    commands: tuple[tuple[str, str], ...] = ()


def _error(code: str, *, what: str, why: str, remedy: str, can_except: bool = False) -> Rule:
    return Rule(
        code=code, severity="error", what=what, why=why, remedy=remedy, can_except=can_except
    )


def _warning(
    code: str,
    *,
    what: str,
    why: str,
    remedy: str,
    stops_release: bool = False,
    commands: tuple[tuple[str, str], ...] = (),
) -> Rule:
    return Rule(
        code=code,
        severity="warning",
        what=what,
        why=why,
        remedy=remedy,
        can_except=True,
        stops_release=stops_release,
        commands=commands,
    )


# Each was tried: the voxels stay as they are, and what is private is gone.
_CLEAR = (
    (
        "NIfTI: clear a field of the header, and every extension",
        (
            "python -c \"import nibabel as n; i = n.load('T1.nii.gz'); d = i.dataobj; "
            "o = type(i)(d.get_unscaled(), None, i.header); h = o.header; h['descrip'] = b''; "
            "h.extensions.clear(); h.set_slope_inter(d.slope, d.inter); n.save(o, 'clean.nii.gz')\""
        ),
    ),
    (
        "MGH: leave out what is behind the voxels",
        "python -c \"import nibabel; nibabel.load('T1.mgz').to_filename('clean.mgz')\"",
    ),
    (
        "GIFTI: remove metadata",
        (
            "python -c \"import nibabel as n; g = n.load('lh.gii'); "
            "[m.pop('UserName', 0) for m in (g.meta, *(a.meta for a in g.darrays))]; "
            "g.to_filename('clean.gii')\""
        ),
    ),
    (
        "FreeSurfer's surfaces: another first line",
        (
            'python -c "from nibabel.freesurfer import io; '
            "c, f, m = io.read_geometry('lh.white', read_metadata=True); "
            "io.write_geometry('clean.white', c, f, 'created by nobody', m)\""
        ),
    ),
    ("JSON: remove a key", "jq 'del(..|.PatientName?)' T1.json > clean.json"),
    ("gzip: no name in its header", "gzip -dc T1.nii.gz | gzip -n > clean.nii.gz"),
)

_RULES = (
    # The source and its definition
    _error(
        "source-unreadable",
        what="The source is not there, cannot be fetched, or does not unpack safely.",
        why="Nothing else can be looked at.  An archive whose members have absolute names, '..' or "
        "links that leave it could write anywhere on the machine that unpacks it.",
        remedy="Check the address and the network; make an archive of plain files and inner links.",
    ),
    _error(
        "source-digest",
        what="The source is not the file whose digests the definition states.",
        why="A download that was cut short, or a release that was changed under its name, would "
        "become a package that claims to be another.",
        remedy="Fetch it again.  If the release was changed, find out why, then state the new "
        "digests; sha256sum prints one.",
    ),
    _error(
        "definition-unreadable",
        what="The definition cannot be read, is not UTF-8, or has a misspelt name.",
        why="YAML is UTF-8, and what is guessed from other encodings ends up in every package.",
        remedy="Save it as package.yaml, as UTF-8, readable by you.",
    ),
    _error(
        "definition-malformed",
        what="The definition is not YAML, or has no fields.",
        why="None of it can be trusted.",
        remedy="Fix the line named; text with ': ' or '#' in it needs quotes.",
    ),
    _error(
        "definition-field",
        what="A field of the definition is unknown, missing, or not of the form it needs.",
        why="Each field ends up in packages whose managers refuse other forms: conda and Debian "
        "names have lower case only, a licence is an SPDX expression (PEP 639), a Debian synopsis "
        "is one line (Policy 5.6.13).",
        remedy="Write it as the message says.",
    ),
    _warning(
        "exception-unknown",
        what="The definition excepts a code that does not exist, or that nothing can except.",
        why="The problem that you meant to accept is still reported.",
        remedy="Take the code from the end of a problem's line.",
    ),
    _warning(
        "no-definition",
        what="The source has no definition, so its name and relpath are those of its folders.",
        why="The packages say nothing of licence, people and citation, and a renamed folder "
        "gives another package.",
        remedy="Run nipack init SOURCE, fill in what it marks TODO, and build from that.",
        stops_release=True,
    ),
    _warning(
        "no-license",
        what="The definition states no licence.",
        why="Without one nobody may pass the data on: Debian (Policy 2.3), conda-forge and Fedora "
        "all refuse a package without a licence.",
        remedy="Ask the authors of the data, then add license: with an SPDX expression.",
        stops_release=True,
    ),
    _warning(
        "no-license-text",
        what="The definition has no text of a licence that it states.",
        why="Whoever gets the data is to read its terms: Debian wants the whole text in its "
        "copyright file (Policy 12.5), unless each of its systems has it, conda-forge a licence "
        "file.",
        remedy="Copy the licence beside the definition, and name it as text_file in a stanza of "
        "copyright.",
        stops_release=True,
    ),
    _warning(
        "missing-metadata",
        what="The definition leaves out what users of the packages want to know.",
        why="A .deb needs a maintainer (Policy 5.6.2), a synopsis and a description (5.6.13); "
        "stand-ins are written where they are missing.",
        remedy="Add the fields named.",
    ),
    _warning(
        "redistribution-unverified",
        what="Nobody has made sure that everybody may pass the data on.",
        why="Images of people are often under terms that forbid it; a public host of the packages "
        "would violate them.",
        remedy="Read the data's terms; if they allow it, write redistribution: verified.",
        stops_release=True,
    ),
    _warning(
        "redistribution-forbidden",
        what="The data must not be passed on.",
        why="The packages are for those only who may have the data.",
        remedy="Keep the packages to yourself.",
        stops_release=True,
    ),
    _warning(
        "no-github-name",
        what="The definition does not have the maintainer's name on GitHub.",
        why="conda-forge's recipes name their maintainers by it, and its linter refuses another "
        "name.  Only nipack check --release asks for it: other distributions have no use for it.",
        remedy="Add it below maintainer, e.g. github: ada",
    ),
    _warning(
        "no-date",
        what="Nothing says when this version was released.",
        why="Everything in a package gets one time, never the clock's, so that two builds are the "
        "same (reproducible-builds.org); a fixed day stands in.",
        remedy="Add the day of the release: date: 2023-05-01",
    ),
    _error(
        "bad-epoch",
        what="The variable SOURCE_DATE_EPOCH is not a number of seconds.",
        why="It is the time of everything in the packages.",
        remedy="Set it to e.g. $(git log -1 --format=%ct), or unset it.",
    ),
    # The data directory
    _error(
        "no-data-directory",
        what="No folder of the source has a config.ini, and no definition says which is the data.",
        why="A data directory is one that has a config.ini: nibabel.data reads the version there, "
        "and finds no data without it.",
        remedy="Write a config.ini with '[DEFAULT]' and 'version = 0.1' into the data directory; "
        "or run nipack init DIRECTORY, whose definition states the version in its place.",
    ),
    _error(
        "several-data-directories",
        what="More than one folder of the source has a config.ini.",
        why="A package is one directory with one version.",
        remedy="Write a definition for each, whose relpath ends in the folder's name.",
    ),
    _error(
        "no-name",
        what="The folders of the source give no valid name and relpath.",
        why="A package is named after its umbrella and directory, in lower-case letters, digits "
        "and hyphens: conda and Debian (Policy 5.6.1) take nothing else.",
        remedy="Write a definition with name, relpath and version; nipack init begins one.",
    ),
    _warning(
        "umbrella-differs",
        what="The source's folders have another umbrella or directory than the relpath.",
        why="Code looks data up by its relpath, umbrella/directory.  With another one it says "
        "that the data is not installed.",
        remedy="Make the relpath what the code asks make_datasource for, or rename the folder.",
    ),
    _error(
        "umbrella-nested",
        what="All of the data is in another folder, which has the name of the directory or of "
        "the umbrella again.",
        why="The package would install share/nipy/nipy/templates/templates, where no code looks.",
        remedy="Move the files up, so that they are beside config.ini.",
        can_except=True,
    ),
    _error(
        "config-unreadable",
        what="config.ini cannot be read, or is not UTF-8.",
        why="nibabel.data raises when it meets it.",
        remedy="Save it as UTF-8, readable by you.",
    ),
    _error(
        "config-malformed",
        what="config.ini is not what ConfigParser reads.",
        why="nibabel.data reads it with ConfigParser, and raises what no caller expects.",
        remedy="Write '[DEFAULT]' and 'version = 0.1', a line each.",
    ),
    _error(
        "config-no-version",
        what="config.ini states no version.",
        why="nibabel.data treats the data as not installed.",
        remedy="Add 'version = 0.1' below the line '[DEFAULT]'.",
    ),
    _error(
        "config-version",
        what="The version in config.ini is not of the form 1.2.",
        why="nibabel.data reads the first two parts as integers and crashes on others: 1, "
        "0.3rc1 and 2009c raise IndexError or ValueError.  Package managers disagree on which is "
        "newer of 0.3.1 and 0.3.post1, and of others.",
        remedy="Write two or more numbers with dots between, e.g. version = 0.3, and for what "
        "comes before a release .a1, .b1 or .rc1 behind them: 0.3.rc1",
    ),
    _error(
        "version-differs",
        what="config.ini and the definition state different versions.",
        why="The package manager would show one version, and nibabel another.",
        remedy="Make them the same; nipack bump changes both.",
    ),
    # Names and kinds of files
    _error(
        "name-not-utf8",
        what="A file's name is not UTF-8.",
        why="conda's paths.json, a wheel's RECORD and SHA256SUMS are UTF-8; lintian calls it an "
        "error (file-name-is-not-valid-UTF-8).",
        remedy="Rename the file.",
    ),
    _error(
        "name-unportable",
        what="A file's name has a control character or a backslash.",
        why="A backslash separates folders on Windows, and a line break ends a line of each "
        "manifest.",
        remedy="Rename the file.",
    ),
    _warning(
        "name-windows",
        what="A file's name is one that Windows cannot make.",
        why="Windows keeps CON, PRN, AUX, NUL, COM1 to COM9 and LPT1 to LPT9 for devices, with "
        'any ending, forbids < > : " | ? * and drops dots and spaces at the end.  conda and pip '
        "stop there in the middle of an installation.",
        remedy="Rename the file, or except the code where the data is never used on Windows.",
    ),
    _warning(
        "name-too-long",
        what="A path is too long for Windows once the data is installed.",
        why="Without a setting of the registry, Windows takes 259 characters (MAX_PATH); an "
        "environment's own folder has about 60 of them.",
        remedy="Shorten the names of the file or its folders.",
    ),
    _warning(
        "name-collision",
        what="Two names differ only in upper and lower case, or in how an accent is encoded.",
        why="Windows and macOS treat them as one file: the second silently overwrites the first.",
        remedy="Rename one of them.",
        stops_release=True,
    ),
    _error(
        "link-dangling",
        what="A symbolic link leads to nothing.",
        why="dpkg, conda and lintian do not notice; the code that opens the file does.",
        remedy="Fix or remove the link.",
    ),
    _error(
        "link-escapes",
        what="A symbolic link is absolute, or leads out of the data directory.",
        why="On another machine it leads to another file, or to none.",
        remedy="Put a copy of the file in its place.",
    ),
    _warning(
        "link-to-folder",
        what="A symbolic link leads to a folder.",
        why="conda leaves NAME.c~ behind where it updates or removes the package; a wheel holds no "
        "link.",
        remedy="Put the folder there, or link its files one by one.",
    ),
    _warning(
        "empty-directory",
        what="A folder has nothing in it.",
        why="conda, wheels and git have no empty folders, so it is not installed.",
        remedy="Put a file there, or remove the folder.",
    ),
    _error(
        "special-file",
        what="Something is neither a file, a folder nor a link: a pipe, a socket or a device.",
        why="No package format carries it for everybody.",
        remedy="Remove it; a package has files, folders and links.",
    ),
    _warning(
        "executable",
        what="A file is executable.",
        why="Data is installed with mode 0644, or 0444 by conda, so the bit is lost; Debian Policy "
        "10.9 and lintian (executable-not-elf-or-script) require this.",
        remedy="Remove the bit with chmod a-x; a script belongs in a code package.",
    ),
    _warning(
        "junk",
        what="A file is one that desktops, editors or version control leave behind.",
        why="Everybody installs it; conda-build leaves some of them out (.DS_Store, *.pyc, .git), "
        "so that packages of the same data differ; lintian reports them.",
        remedy="Remove it before the release.",
    ),
    _warning(
        "own-package",
        what="A file is a package, by its name: one that nipack build makes.",
        why="It is most often one that was built before, in the data directory: each package then "
        "carries all earlier ones.",
        remedy="Move it out of the data directory; nipack build -o names another for packages.",
    ),
    _warning(
        "empty-file",
        what="A file is empty.",
        why="That is often what a download or a copy that failed leaves behind.",
        remedy="Put the real file there; or except the code if it is intended.",
    ),
    # What is in the files
    _error(
        "pointer-file",
        what="A file is a pointer of Git LFS or git-annex, not the data.",
        why="Users would install a few lines of text instead of an image.",
        remedy="Fetch the data first: git lfs pull, git annex get, or datalad get.",
        can_except=True,
    ),
    _error(
        "gzip-damaged",
        what="A gzip file is cut short, or its check sum does not match.",
        why="Every reader fails at its end: nibabel with EOFError or CRC check failed, often hours "
        "into an analysis.",
        remedy="Fetch or write the file again; gzip -t must say nothing.",
        can_except=True,
    ),
    _warning(
        "gzip-name",
        what="A file is named as gzip's are, but it is not gzip.",
        why="Readers choose by the name, and fail: nibabel with BadGzipFile.",
        remedy="Compress it, or rename it.",
    ),
    _warning(
        "image-unreadable",
        what="nibabel cannot open an image, or it has less data than its header says.",
        why="nipy, nilearn and most of Python's neuroimaging read images with nibabel.  It is a "
        "warning, because what is built must not depend on whether nibabel is installed.",
        remedy="Write the image again from its original.",
    ),
    _warning(
        "json-invalid",
        what="A .json file is not JSON (RFC 8259) in UTF-8.",
        why="Readers of BIDS sidecars stop there; NaN and Infinity are not JSON, even though "
        "Python writes them.  A file of more than 2 MB is not checked.",
        remedy="Fix the place named; write null for a number that is not there.",
        stops_release=True,
    ),
    _warning(
        "privacy-person",
        what="A file seems to have the name, date of birth, number or address of a patient, or the "
        "name of a physician.",
        why="Converters copy them from DICOM into NIfTI's descrip, db_name and extensions, JSON "
        "sidecars and other headers; a release cannot be recalled.",
        remedy="Clear it, or except the code if it is nobody's.  dcm2niix leaves them out of "
        "sidecars, unless it is told otherwise (-ba n).",
        commands=_CLEAR,
    ),
    _warning(
        "privacy-session",
        what="A file seems to have the date of an examination, or a number by which a hospital "
        "finds it.",
        why="Whoever knows when somebody was examined knows whose images they are; under HIPAA "
        "(45 CFR 164.514) dates but for the year identify a person.",
        remedy="Clear it, or shift the dates of each subject to before 1925, as BIDS says.",
        commands=_CLEAR,
    ),
    _warning(
        "privacy-account",
        what="A file seems to have somebody's home directory, login or e-mail address.",
        why="Programs note in headers, and gzip in its own, who ran them and where; folders are "
        "often named after subjects.",
        remedy="Clear it, or except the code if it may be known.",
        commands=_CLEAR,
    ),
    # Parts
    _error(
        "file-in-no-part",
        what="A file is in none of the definition's parts.",
        why="No package would have it.  Only the config.ini need not be named: it is in the "
        "smallest part then.",
        remedy="Add a pattern for it to the files of one part.",
    ),
    _error(
        "file-in-two-parts",
        what="A file is in two or more of the definition's parts.",
        why="dpkg, rpm and pacman refuse to install a file that another package has.",
        remedy="Change the patterns, so that one part has it; * and ? match slashes too.",
    ),
    _error(
        "part-empty",
        what="A part has no file.",
        why="Its package would be empty; most likely its pattern is misspelt.",
        remedy="Write its patterns as the paths are below the data directory, or remove the part.",
    ),
    _error(
        "link-between-parts",
        what="A link is in one part, and what it leads to in another.",
        why="Whoever has only the one part has a link that leads nowhere.",
        remedy="Put both into one part.",
    ),
    # What other libraries find
    _error(
        "view-empty",
        what="A view names files that the package does not have.",
        why="nipack link makes a link for each file of a view; the library would not find it.",
        remedy="Write the paths as they are below the data directory.",
    ),
    _error(
        "view-claimed",
        what="Two views put two files into one place of a library.",
        why="Only one of them can be there, and which one is chance.",
        remedy="Give one of them another at or another name.",
    ),
    _error(
        "view-placeholder",
        what="A view has an empty file.",
        why="TemplateFlow treats such a file as a placeholder and writes what it fetches into it: "
        "through a link into the installed file, and by conda's hard links into every environment.",
        remedy="Put the real file there, or leave it out of the view with files.",
    ),
    _error(
        "view-templateflow",
        what="A template is not as TemplateFlow's client wants it.",
        why="The client knows a template by its directory tpl-ID and reads each file's properties "
        "from a name that begins so; metadata and citations are in template_description.json.",
        remedy="Lay the files out as the template's own repository does.",
    ),
    _warning(
        "view-license",
        what="A template says that its licence is in a file, and has none.",
        why="TemplateFlow's 'See LICENSE file' stands in templates whose repository has no such "
        "file; then nobody knows the terms.",
        remedy="Ask the template's authors, and add the file LICENSE.",
        stops_release=True,
    ),
    _error(
        "view-unpacked",
        what="A view for DIPY has an archive together with what is in it.",
        why="DIPY unpacks the archive at every call, over the links to its members, which are "
        "read-only: the call fails.",
        remedy="Leave the members out of the view: with files, name only the archive.",
    ),
    _warning(
        "view-rewritten",
        what="A view has surfaces that nilearn writes again where they are.",
        why="From 0.14 on nilearn rewrites fsaverage3 and fsaverage4 where they are, if their "
        "vertices are in the old order, which fails for a file that cannot be written.",
        remedy="Make sure that the vertices are in the new order, then except the code.",
    ),
    _warning(
        "view-readme",
        what="Data that is the whole of nilearn's directory has no README.md.",
        why="nilearn writes a README.md into each of its directories that has none. Where "
        "NILEARN_SHARED_DATA names the installed data, which nobody may write to, that fails at "
        "the first download of anything else.",
        remedy="Add a README.md at the top of the data, which says what it is.",
    ),
)

RULES = {rule.code: rule for rule in _RULES}
"""Every rule by its code, in the order in which they are explained."""


def problem_at(code: str, where: str, message: str, remedy: str) -> Problem:
    """Return a problem of a rule; whether it stops a build is for the rule to say.

    Raises KeyError for a code that no rule has.
    """
    severity = RULES[code].severity
    return Problem(severity=severity, code=code, where=where, message=message, remedy=remedy)
