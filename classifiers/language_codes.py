"""Labels of language models as the codes that `language.code` gives.

lid.176 gives ISO 639-1 where there is one; GlotLID, OpenLID and NLLB give ISO 639-3 and a script
(`eng_Latn`). A language of several kinds that ISO 639-1 has one code for gets that one.
"""

from __future__ import annotations

_PAIRS = """
af:afr am:amh an:arg ar:arb,ara as:asm av:ava az:azj,aze ba:bak be:bel bg:bul bn:ben bo:bod br:bre
bs:bos ca:cat ce:che co:cos cs:ces cv:chv cy:cym da:dan de:deu dv:div el:ell en:eng eo:epo es:spa
et:ekk,est eu:eus fa:pes,fas fi:fin fr:fra fy:fry ga:gle gd:gla gl:glg gn:gug,grn gu:guj gv:glv
he:heb hi:hin hr:hrv ht:hat hu:hun hy:hye ia:ina id:ind ie:ile io:ido is:isl it:ita ja:jpn jv:jav
ka:kat kk:kaz km:khm kn:kan ko:kor ku:kmr,kur kv:kpv,kom kw:cor ky:kir la:lat lb:ltz li:lim lo:lao
lt:lit lv:lvs,lav mg:plt,mlg mk:mkd ml:mal mn:khk,mon mr:mar ms:zsm,msa mt:mlt my:mya ne:npi,nep
nl:nld nn:nno no:nob,nor oc:oci or:ory,ori os:oss pa:pan pl:pol ps:pbt,pus pt:por qu:quy,que ro:ron
ru:rus sa:san sc:srd sd:snd sh:hbs si:sin sk:slk sl:slv so:som sq:als,sqi sr:srp su:sun sv:swe
sw:swh,swa ta:tam te:tel tg:tgk th:tha tk:tuk tl:tgl,fil tr:tur tt:tat ug:uig uk:ukr ur:urd
uz:uzn,uzb vi:vie wa:wln yi:ydd,yid yo:yor zh:cmn,zho
"""

ISO_639_1 = {
    three: pair.split(":")[0] for pair in _PAIRS.split() for three in pair.split(":")[1].split(",")
}
"""ISO 639-1 by ISO 639-3."""


def code_of(label: str) -> str:
    """The code of a label without its prefix."""
    language, _, script = label.partition("_")
    return ISO_639_1.get(language, language) if script else label
