//! Which route a request takes.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html>

use std::collections::BTreeMap;

use axum::http::Method;

use crate::template::Route;

/// A matching route with its path parameters.
#[derive(Debug)]
pub(super) struct Found<'a> {
    pub(super) route: &'a Route,
    pub(super) parameters: BTreeMap<String, String>,
}

impl Found<'_> {
    /// Returns the route's key, for example `GET /items/{id}`.
    pub(super) fn key(&self) -> String {
        format!("{} {}", self.route.method, self.route.path)
    }
}

/// Finds the most specific route: fixed segments before parameters before `{name+}`, the method before `ANY`.
pub(super) fn find<'a>(routes: &'a [Route], method: &Method, path: &str) -> Option<Found<'a>> {
    routes
        .iter()
        .filter(|route| route.method == "ANY" || route.method == method.as_str())
        .filter_map(|route| Some((route, match_path(&route.path, path)?)))
        .min_by_key(|(route, _)| (specificity(&route.path), route.method == "ANY"))
        .map(|(route, parameters)| Found { route, parameters })
}

fn match_path(pattern: &str, path: &str) -> Option<BTreeMap<String, String>> {
    let mut parameters = BTreeMap::new();
    let mut rest = path.strip_prefix('/')?;
    let mut pattern = pattern.strip_prefix('/')?.split('/').peekable();
    while let Some(expected) = pattern.next() {
        if let Some(name) = expected
            .strip_prefix('{')
            .and_then(|name| name.strip_suffix("+}"))
        {
            parameters.insert(name.to_owned(), decode(rest));
            return (!rest.is_empty()).then_some(parameters);
        }
        let (segment, after) = rest
            .split_once('/')
            .map_or((rest, None), |(segment, after)| (segment, Some(after)));
        match expected
            .strip_prefix('{')
            .and_then(|name| name.strip_suffix('}'))
        {
            Some(name) if !segment.is_empty() => {
                parameters.insert(name.to_owned(), decode(segment));
            }
            None if expected == segment => {}
            _ => return None,
        }
        match (after, pattern.peek()) {
            (Some(after), Some(_)) => rest = after,
            (None, None) => return Some(parameters),
            _ => return None,
        }
    }
    None
}

/// Returns one number per segment; the smaller list is the more specific path.
fn specificity(path: &str) -> Vec<u8> {
    path.split('/')
        .map(|segment| match segment {
            greedy if greedy.ends_with("+}") => 2,
            parameter if parameter.starts_with('{') => 1,
            _ => 0,
        })
        .collect()
}

/// Decodes percent-encoding; a malformed sequence stays as it is.
pub(super) fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while index < bytes.len() {
        let hex = bytes
            .get(index + 1..index + 3)
            .filter(|_| bytes[index] == b'%');
        let byte = hex.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        decoded.push(byte.unwrap_or(bytes[index]));
        index += if byte.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(method: &str, path: &str) -> Route {
        Route {
            function: "F".to_owned(),
            method: method.to_owned(),
            path: path.to_owned(),
            authorizer: None,
        }
    }

    fn found(path: &str) -> Option<(String, BTreeMap<String, String>)> {
        let routes = [
            route("GET", "/items"),
            route("GET", "/items/{id}"),
            route("GET", "/items/new"),
            route("ANY", "/items/{id}"),
            route("GET", "/{proxy+}"),
        ];
        find(&routes, &Method::GET, path).map(|found| (found.key(), found.parameters))
    }

    #[test]
    fn the_most_specific_route_wins() {
        for (path, key) in [
            ("/items", "GET /items"),
            ("/items/new", "GET /items/new"),
            ("/items/7", "GET /items/{id}"),
            ("/items/7/more", "GET /{proxy+}"),
        ] {
            assert_eq!(found(path).unwrap().0, key, "{path}");
        }
        assert!(found("/").is_none());
    }

    #[test]
    fn parameters_are_decoded() {
        assert_eq!(found("/items/a%20b%2Fc").unwrap().1["id"], "a b/c");
        assert_eq!(found("/x/y").unwrap().1["proxy"], "x/y");
        assert_eq!(found("/items/100%").unwrap().1["id"], "100%");
    }

    #[test]
    fn another_method_takes_any() {
        let routes = [route("GET", "/items"), route("ANY", "/items/{id}")];
        assert!(find(&routes, &Method::POST, "/items").is_none());
        assert_eq!(
            find(&routes, &Method::POST, "/items/7").unwrap().key(),
            "ANY /items/{id}"
        );
    }
}
